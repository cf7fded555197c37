package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"sluice/cmd/internal/logs"
	"sluice/cmd/internal/progress"
	"sluice/pipeline"
)

// How a run shows how it goes.
const (
	autoMode  = "auto"
	barMode   = "bar"
	plainMode = "plain"
	noMode    = "none"
)

// display is how the run shows how it goes: on a terminal that somebody watches a bar, elsewhere plain lines.
func (a *app) display(f *runFlags) (string, error) {
	switch {
	case f.quiet:
		return noMode, nil
	case f.progress == barMode || f.progress == plainMode || f.progress == noMode:
		return f.progress, nil
	case f.progress != autoMode:
		return "", &usageError{fmt.Errorf("--progress %q: use %s, %s, %s or %s", f.progress, autoMode, barMode, plainMode, noMode), ""}
	}
	screen, ok := a.screen.(*os.File)
	watched := ok && term.IsTerminal(int(screen.Fd())) && os.Getenv("TERM") != "dumb"
	if !watched || f.log == logs.JSON || os.Getenv("CI") != "" || os.Getenv("NO_COLOR") != "" {
		return plainMode, nil
	}
	return barMode, nil
}

// countFor is how long rows are counted ahead for the time left, where no model makes the run slow anyway: reading a large source
// twice at once would cost more than the number is worth.
const countFor = 2 * time.Second

// show starts the display, and counts the source's rows beside the run so that it can tell what is left.
func (a *app) show(ctx context.Context, m *progress.Meter, mode string, log *slog.Logger, r *pipeline.Recipe) (stop func()) {
	var undraw func()
	switch mode {
	case noMode:
		return func() {}
	case plainMode:
		undraw = progress.Plain(m, log, progress.Every)
		if len(r.Models) == 0 {
			return undraw
		}
	case barMode:
		above, end := progress.Bar(m, a.screen)
		before := a.stderr.To(above)
		undraw = func() {
			end()
			a.stderr.To(before)
		}
	}
	limit := time.Duration(math.MaxInt64)
	if len(r.Models) == 0 {
		limit = countFor
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := rowsOf(ctx, r); err == nil {
			m.Total(n)
		}
	})
	return func() {
		cancel()
		wg.Wait()
		undraw()
	}
}

// rowsOf counts the rows of a recipe's source.
func rowsOf(ctx context.Context, r *pipeline.Recipe) (n int64, err error) {
	src, err := r.OpenSource(r.Schema)
	if err != nil {
		return 0, err
	}
	for _, err := range src.Read(ctx, nil) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
