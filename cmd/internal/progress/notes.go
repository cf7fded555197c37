package progress

import (
	"log/slog"
	"time"

	"sluice/pipeline"
	"sluice/pipeline/llm"
)

// Notes returns events that log what is worth a line of its own, whatever else is shown: what a user should be told, a phase that
// begins, an endpoint that stops answering. sealed also logs every sealed segment, for runs that nobody watches.
func Notes(log *slog.Logger, sealed bool) (pipeline.Events, llm.Events) {
	p := pipeline.Events{
		RunStarted: func(i pipeline.RunInfo) {
			if i.Resumed {
				log.Info("goes on with a dataset", "dataset", i.Dataset, "rows_read", rowsRead(i.Before))
			}
		},
		PhaseBegun: func(p pipeline.PhaseInfo) {
			if p.Fits != "" {
				log.Info("phase begins", "phase", p.I, "of", p.Of, "fits", p.Fits)
			}
		},
		Notice: func(text string) { log.Warn(text) },
	}
	if sealed {
		p.Sealed = func(s pipeline.SealInfo) {
			var rows int64
			if n := len(s.Segment.Counts); n > 0 {
				rows = s.Segment.Counts[n-1].Out
			}
			log.Info("sealed", "first_batch", s.Segment.First, "last_batch", s.Segment.Last, "rows", rows, "partial", s.Segment.Partial)
		}
	}
	return p, llm.Events{
		Paused: func(p llm.Pause) {
			log.Warn("paused", "model", p.Model, "endpoint", p.Endpoint, "cause", p.Cause, "patience_left", p.Left.String())
		},
		Exceeded: func(model, what string) {
			log.Warn("the provider charges more than was reserved: a cap holds but for the requests in flight", "model", model, "because", what)
		},
		Resumed: func(p llm.Pause) { log.Info("answers again", "model", p.Model, "endpoint", p.Endpoint) },
	}
}

func rowsRead(before []pipeline.Tally) int64 {
	if len(before) == 0 {
		return 0
	}
	return before[0].In
}

// JoinLLM returns events that call a, then b.
func JoinLLM(a, b llm.Events) llm.Events {
	return llm.Events{
		Sent: func(model, stage string) {
			for _, e := range []llm.Events{a, b} {
				if e.Sent != nil {
					e.Sent(model, stage)
				}
			}
		},
		Answered: func(model, stage string, u llm.Usage) {
			for _, e := range []llm.Events{a, b} {
				if e.Answered != nil {
					e.Answered(model, stage, u)
				}
			}
		},
		Retried: func(model, stage string, cause *llm.Error, wait time.Duration) {
			for _, e := range []llm.Events{a, b} {
				if e.Retried != nil {
					e.Retried(model, stage, cause, wait)
				}
			}
		},
		Exceeded: func(model, what string) {
			for _, e := range []llm.Events{a, b} {
				if e.Exceeded != nil {
					e.Exceeded(model, what)
				}
			}
		},
		Paused: func(p llm.Pause) {
			for _, e := range []llm.Events{a, b} {
				if e.Paused != nil {
					e.Paused(p)
				}
			}
		},
		Resumed: func(p llm.Pause) {
			for _, e := range []llm.Events{a, b} {
				if e.Resumed != nil {
					e.Resumed(p)
				}
			}
		},
	}
}
