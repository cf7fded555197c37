// Package trainer trains small language models and classifiers from sealed shards on the CPU of the machine at hand, and says what it did. A run is
// described by a [Config], the `train:` section of a recipe:
//
//	report, made, err := trainer.Update(ctx, config, trainer.Options{Dir: "out/model"}) // trains what there is to train, beside an older model
//	report, err := trainer.Train(ctx, config, trainer.Options{Dir: "out/model"})    // goes on where an earlier run was stopped
//	forecast, err := trainer.Plan(ctx, config, options)                            // memory, time and energy, before anything runs
//	result, err := trainer.Evaluate(ctx, "out/model", data, options)
//
// A run that is killed at any moment and started again ends in the same bytes as one that was not, on the same kernel set: examples, masks and dropout
// are functions of (seed, epoch, index), a batch is always cut into the same pieces, and a checkpoint holds all the rest. The number of threads
// changes nothing. The test split of a dataset is looked at once, at the end, for the report.
//
// It is not the place for data (package feed), arithmetic (tensor, kernel), networks (model), vocabularies (tokenizer) or the choice of domains and masks
// (mix, mask); it imports no pipeline.
//
//	train.go       the loop on one screen        step.go     one step: losses by task      batch.go    masks and dropped words
//	config.go config_*.go choice.go              the section of the recipe                prepare.go  everything before the first step
//	vocabulary.go network.go                     tokenizer and model of a run             guard.go    NaN, with its culprit
//	empty.go                                     data that give nothing                   finish.go   the last step's aftermath
//	checkpoint.go resume.go                      what is kept and how a run goes on       early.go    early stopping
//	stop.go                                      heard outside of the loop                settings.go keys of a recipe
//	evaluate.go score.go classes.go calibrate.go what a model is worth                    ensemble.go several seeds
//	student.go student_score.go                  the linear student                       predict.go  a classifier's answers, row by row
//	update.go                                    the model follows its data
//	plan.go machine.go energy.go                 what a run needs and costs               findlr.go   the learning rate
//	metrics.go report.go report_*.go svg.go      what a run did
//	mixing.go trial.go trials.go trialcost.go    the mixer: proxy runs and the guard, small trainings before the first step
//	mixplan.go                                   what mixers would do, without training
//
// The model's folder:
//
//	config.json model.safetensors                    the model, in Hugging Face layout; of the linear student, model.safetensors alone
//	tokenizer.json tokenizer_config.json             its vocabulary and the template of its conversations
//	train.json                                       the config, as run
//	training.json                                    settings and data that the training was begun with
//	report.json report.md report.html metrics.jsonl  what happened
//	trials.json                                      results of the small trainings that a mixer asked for
//	checkpoints/step-000100/                         model.safetensors optim.safetensors state.json
//	tokens/                                          token caches
package trainer
