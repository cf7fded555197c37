package progress

import (
	"log/slog"
	"time"
)

// Every is how often a run that nobody watches says how it goes.
const Every = 10 * time.Second

// Plain logs a line about m from time to time until the returned func is called, which waits for the last one.
func Plain(m *Meter, log *slog.Logger, every time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p := m.Picture()
				log.Info("progress", p.attrs()...)
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// attrs are the numbers of a log line; what does not apply is left out.
func (p *Picture) attrs() []any {
	a := []any{"rows", p.Rows}
	if p.Of > 1 {
		a = append([]any{"phase", p.Phase, "of", p.Of}, a...)
	}
	if p.Fits != "" {
		a = append(a, "fits", p.Fits)
	}
	if p.Total > 0 {
		a = append(a, "total", p.Total)
	}
	a = append(a, "rows_per_s", round(p.PerSecond), "accepted", p.Accepted, "rejected", p.Dropped, "failed", p.Failed)
	if p.Target > 0 {
		a = append(a, "have", p.Have, "target", p.Target)
	}
	if p.Requests > 0 {
		a = append(a, "requests", p.Requests, "retries", p.Again, "tokens", p.Tokens, "spent", p.Cost.String())
	}
	if p.ETA > 0 {
		a = append(a, "eta", p.ETA.String())
	}
	for _, pause := range p.Paused {
		a = append(a, "paused", pause.String())
	}
	return a
}

// round keeps one decimal.
func round(x float64) float64 { return float64(int64(x*10+.5)) / 10 }
