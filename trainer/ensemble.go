package trainer

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"sluice/schemas"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// An Ensemble is several models of one config and consecutive seeds, and what the mean of their predictions is worth. The model in the run's folder is the member
// with the lowest validation loss, for programs that load one; all members stand in member-N beside it, and [Evaluate] and [Predict] ask them all.
type Ensemble struct {
	Members    []Member `json:"members"`
	Validation *Result  `json:"validation"`
	Test       *Result  `json:"test"`
	Best       int      `json:"best"`
}

// memberPrefix begins the folders of members.
const memberPrefix = "member-"

// A Member is one model of an ensemble.
type Member struct {
	Seed       uint64  `json:"seed"`
	Validation *Result `json:"validation"`
	Test       *Result `json:"test"`
}

// trainEnsemble trains the members one after the other; members that are finished are not trained again.
func trainEnsemble(ctx context.Context, c Config, o Options) (*Report, error) {
	if c.Cache == "" {
		c.Cache = filepath.Join(o.Dir, tokensDir)
	}
	e, least := &Ensemble{}, math.Inf(1)
	var reports []*Report
	var valid, test []*predictions
	for i := range c.Ensemble {
		one, at := c, o
		one.Ensemble, one.Seed, at.Dir = 1, c.Seed+uint64(i), filepath.Join(o.Dir, fmt.Sprint(memberPrefix, i))
		rep, err := trainOne(ctx, one, at)
		if err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		if err := predict(ctx, one, at, rep); err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		if rep.Validation != nil {
			valid = append(valid, rep.Validation.said)
			if rep.Validation.Loss < least {
				least, e.Best = rep.Validation.Loss, i
			}
		}
		if rep.Test != nil {
			test = append(test, rep.Test.said)
		}
		reports = append(reports, rep)
		e.Members = append(e.Members, Member{one.Seed, rep.Validation, rep.Test})
	}
	e.Validation, e.Test = together(c, valid), together(c, test)
	rep := reports[e.Best]
	rep.Ensemble = e
	for i, other := range reports {
		if i != e.Best {
			rep.Seconds, rep.CPUSeconds, rep.Bill = rep.Seconds+other.Seconds, rep.CPUSeconds+other.CPUSeconds, rep.Bill.and(other.Bill)
		}
	}
	from := filepath.Join(o.Dir, fmt.Sprint(memberPrefix, e.Best))
	fs := o.FS
	if fs == nil {
		fs = schemas.Disk
	}
	for _, name := range []string{model.ConfigName, weightsFile, tokenizerFile, tokenizer.ConfigName, configFile, metricsFile} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = schemas.WriteFile(fs, filepath.Join(o.Dir, name), b)
		}
		if err != nil {
			return nil, err
		}
	}
	h, err := openHistory(fs, o.Dir, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if err := h.close(); err != nil {
		return nil, err
	}
	return rep, rep.write(fs, o.Dir, h.points)
}

// predict gives the report of a member that was finished earlier the predictions that its file does not hold.
func predict(ctx context.Context, c Config, o Options, rep *Report) error {
	if rep.Validation == nil && rep.Test == nil || rep.Validation != nil && rep.Validation.said != nil {
		return nil
	}
	r, err := prepare(ctx, c, o)
	if err != nil {
		return err
	}
	defer r.close()
	head, problem := r.head()
	if r.model, err = model.Load(o.Dir, model.LoadOptions{Head: head, Problem: problem}); err != nil {
		return err
	}
	return r.worth(ctx, rep)
}

// together scores the mean of the members' predictions, which are of the same rows: validation rows do not depend on the seed.
func together(c Config, members []*predictions) *Result {
	if len(members) < c.Ensemble {
		return nil
	}
	first := members[0]
	mean := &predictions{classes: first.classes, values: first.values, labels: first.labels}
	loss, n := 0., 0.
	for i := range first.logits {
		z := make([]float64, len(first.logits[i]))
		for _, m := range members {
			for j, v := range m.share(c, i) {
				z[j] += v / float64(len(members))
			}
		}
		switch {
		case c.Task == Regress:
			d := z[0] - float64(first.values[i][0])
			loss, n = loss+d*d, n+1
		case first.classes != nil:
			loss, n = loss-math.Log(z[first.classes[i]]), n+1
			toLogits(z, false)
		default:
			for j, p := range z {
				t := float64(first.values[i][j])
				loss, n = loss-t*math.Log(p)-(1-t)*math.Log1p(-p), n+1
			}
			toLogits(z, true)
		}
		mean.logits = append(mean.logits, z)
	}
	res := score(c.Task, mean)
	res.Loss, res.Targets = loss/n, int64(n)
	return res
}

// share is a member's prediction for row i: probabilities, or the number.
func (p *predictions) share(c Config, i int) []float64 {
	switch {
	case c.Task == Regress:
		return p.logits[i]
	case p.classes != nil:
		return softmax(p.logits[i], 1)
	}
	out := make([]float64, len(p.logits[i]))
	for j, z := range p.logits[i] {
		out[j] = 1 / (1 + math.Exp(-z))
	}
	return out
}

// toLogits turns probabilities into logits: of one label, or of any number of them.
func toLogits(p []float64, multi bool) {
	for j, v := range p {
		if p[j] = math.Log(v); multi {
			p[j] = math.Log(v / (1 - v))
		}
	}
}

// members are the folders of an ensemble in dir; of a model alone, dir.
func members(dir string) (dirs []string) {
	for i := 0; ; i++ {
		member := filepath.Join(dir, fmt.Sprint(memberPrefix, i))
		if _, err := os.Stat(filepath.Join(member, configFile)); err != nil {
			break
		}
		dirs = append(dirs, member)
	}
	if len(dirs) == 0 {
		return []string{dir}
	}
	return dirs
}

// loadClassifier loads the classifier in dir; of an ensemble, one that gives the mean of its members' probabilities.
func loadClassifier(c Config, dir string, o Options) (*classifier, error) {
	dirs := members(dir)
	if len(dirs) == 1 {
		return loadMember(c, dirs[0], o)
	}
	var all []*classifier
	for _, d := range dirs {
		k, err := loadMember(c, d, o)
		if err != nil {
			return nil, err
		}
		if all = append(all, k); !slices.Equal(k.labels, all[0].labels) {
			return nil, fmt.Errorf("%s has other labels than %s: they are no ensemble", d, dirs[0])
		}
	}
	return &classifier{all[0].labels, 1, c.MultiLabel, func(texts []string) ([][]float64, error) {
		mean := make([][]float64, len(texts))
		for _, k := range all {
			logits, err := k.logits(texts)
			if err != nil {
				return nil, err
			}
			for i, z := range logits {
				if mean[i] == nil {
					mean[i] = make([]float64, len(z))
				}
				for j, p := range k.probabilities(z) {
					mean[i][j] += p / float64(len(all))
				}
			}
		}
		for i := range mean {
			toLogits(mean[i], c.MultiLabel)
		}
		return mean, nil
	}}, nil
}
