package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/dedup"
	"sluice/dedup/index"
	"sluice/filters"
	"sluice/generators"
	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// catalogs are all components a recipe can name.
func catalogs() pipeline.Catalogs {
	return pipeline.Catalogs{Generators: generators.Catalog, Filters: filters.Catalog, Dedup: dedup.Catalog}
}

// role is a folder of components.
type role struct {
	dir   string
	names []string
}

// roles lists the components by their folders.
func roles() []role {
	c := catalogs()
	return []role{
		{string(pipeline.Generators), c.Generators.Names()},
		{string(pipeline.Filters), c.Filters.Names()},
		{string(pipeline.Dedups), c.Dedup.Names()},
	}
}

// place is where a recipe's dataset and store are to be, if not where it says.
type place struct {
	dataset, state string
	anew           bool   // the dataset will be built anew
	trains         bool   // the command makes no rows: the recipe may have a section train alone
	out            string // of the model
}

func (p *place) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.dataset, "dataset", "", "`folder` of the dataset, in place of the recipe's")
	cmd.Flags().StringVar(&p.state, "state", "", "`folder` of the store of answers and claims, in place of the recipe's")
}

// load reads and checks a recipe. From then on its keys are in no output.
func (a *app) load(path string, p place) (*pipeline.Recipe, error) {
	r, err := pipeline.Load(path, pipeline.LoadOptions{Catalogs: catalogs(), Dataset: p.dataset, State: p.state, New: p.anew, Trains: p.trains, Train: checkTraining(p.out)})
	if err != nil {
		return nil, noRecipe(err)
	}
	if r.Schema == nil && !p.trains {
		return nil, &usageError{fmt.Errorf("%s has no source: there are no rows to make", path), "sluice train " + path + " trains what its section train says"}
	}
	for _, m := range r.Models {
		a.stderr.Hide(strings.TrimSpace(os.Getenv(m.KeyEnv)))
		for _, v := range m.Headers {
			a.stderr.Hide(v)
		}
	}
	return r, nil
}

// options are the parts of the engine that the program chooses. ctx ends the waiting for a store; anew builds the dataset
// beside the old one.
func options(ctx context.Context, r *pipeline.Recipe, anew bool, wait time.Duration) pipeline.Options {
	replaces := ""
	if anew {
		replaces = replaced(r)
	}
	return pipeline.Options{
		Version: version(),
		New:     anew,
		Wait:    wait,
		OpenStore: func(dir string, fsync bool, wait time.Duration) (state.Store, error) {
			return openStore(ctx, dir, fsync, wait)
		},
		OpenIndex: openIndex(r, replaces),
		Forget:    index.Forget,
		Card: func(dir string, m *schemas.Manifest, r *pipeline.Recipe) error {
			info := schemas.CardInfo{Sluice: version()}
			for _, s := range r.Stages {
				info.Stages = append(info.Stages, s.ID)
			}
			return schemas.WriteCard(schemas.Disk, dir, m, info)
		},
		Getenv: os.Getenv,
	}
}

// openIndex opens the claims of r's dataset. replaces is the id of the dataset whose place it will take, if any.
func openIndex(r *pipeline.Recipe, replaces string) func(state.Store, pipeline.Claims) (pipeline.Index, error) {
	return func(s state.Store, c pipeline.Claims) (pipeline.Index, error) {
		return index.New(s, c.Dataset, c.Tokens, index.Options{Path: r.Dataset, Run: c.Epoch, Replaces: replaces})
	}
}

// replaced is the id of the dataset that --new will replace; "" where there is none.
func replaced(r *pipeline.Recipe) string {
	if old, err := schemas.ReadManifest(r.Dataset); err == nil {
		return old.Dataset
	}
	return ""
}

// retryStore is how often a store that is in use is tried again.
const retryStore = 200 * time.Millisecond

// openStore opens the store in dir, waiting up to wait for another process to close it.
func openStore(ctx context.Context, dir string, fsync bool, wait time.Duration) (state.Store, error) {
	deadline := time.Now().Add(wait)
	for {
		s, err := state.OpenBadger(dir, state.Options{SyncEach: fsync})
		switch {
		case err == nil:
			return s, nil
		case !errors.Is(err, state.ErrLocked):
			return nil, err
		case !time.Now().Before(deadline):
			return nil, &pipeline.LockedError{What: "store", Path: dir}
		}
		select {
		case <-time.After(retryStore):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// version is that of the module, or devel with the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = "-" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	return "devel" + commit + dirty
}
