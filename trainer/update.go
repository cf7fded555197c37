package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/model"
	"sluice/trainer/model/safetensors"
	"sluice/trainer/tokenizer"
)

// A model's folder and what may lie beside it:
//
//	model/       the model, or its first training under way
//	model.new/   a training on newer data, or by other settings: the model stays as it is until this one is whole
//	model.old/   the former model, while it is being removed
const (
	newSuffix = ".new"
	oldSuffix = ".old"
)

// begunFile says what a training in its folder goes by.
const begunFile = "training.json"

// begun is begunFile.
type begun struct {
	Settings json.RawMessage `json:"settings"` // the keys that determine the result
	Data     string          `json:"data"`     // what feed.Identity said of the data
}

// Update sees to it that o.Dir holds the model of the config and of the data as they are now. A model that is so already is left alone: made is false. A
// training that was begun on these data goes on. Where the data have changed since, the model is trained anew beside the old one and takes its place when it is
// whole: the model is a function of config and data, whatever was trained, stopped or killed before. With o.Fresh it is trained anew in any case.
func Update(ctx context.Context, c Config, o Options) (rep *Report, made bool, err error) {
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	if err := finishSwap(o.FS, o.Dir); err != nil {
		return nil, false, err
	}
	if err := errors.Join(c.Check(), vacant(o.Dir)); err != nil {
		return nil, false, err
	}
	mine, err := c.begins()
	if err != nil {
		return nil, false, err
	}
	was, there := readBegun(o.Dir)
	done, err := finished(o.FS, o.Dir)
	if err != nil {
		return nil, false, err
	}
	next := o.Dir + newSuffix
	nextIs, _ := readBegun(next)
	goesOn := !o.Fresh && mine.same(nextIs)
	if !o.Fresh && !goesOn {
		if err := allowed(mine, o.Dir); err != nil {
			return nil, false, err
		}
	}
	switch {
	case done != nil && !o.Fresh && mine.same(was):
		return done, false, o.FS.RemoveAll(next)
	case done == nil:
		if grown := c.Follow && bytes.Equal(compact(was.Settings), compact(mine.Settings)); there && !o.Fresh && !mine.same(was) && !grown {
			if hasWork(o.Dir) {
				say(o, "the data have changed since this training was begun: it begins anew")
			}
			o.Fresh = true
		}
		if o.Fresh {
			if err := wipe(o.FS, o.Dir); err != nil { // before the settings and data of the new one are noted: these are taken to belong to what is there
				return nil, false, err
			}
		}
		if err := mine.write(o.FS, o.Dir); err != nil {
			return nil, false, err
		}
		rep, err := Train(ctx, c, o)
		return rep, err == nil, err
	}
	if there && was.Data != mine.Data {
		say(o, "the data have changed since the model was trained: it is trained anew, and the old one stays until then")
	}
	if !goesOn {
		if err := o.FS.RemoveAll(next); err != nil {
			return nil, false, err
		}
		if err := mine.write(o.FS, next); err != nil {
			return nil, false, err
		}
	}
	at := o
	at.Dir, at.Fresh = next, false
	if rep, err = finished(o.FS, next); err != nil {
		return nil, false, err
	}
	if rep == nil {
		if rep, err = Train(ctx, c, at); err != nil {
			return nil, false, err
		}
	}
	return rep, true, swap(o.FS, o.Dir)
}

// vacant tells whether a run may leave its model in dir: not where a model lies that is not of its making, such as the one that it begins with, nor in a file's
// place. Its error is a [KeyError].
func vacant(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return &KeyError{Key: "out", Hint: "name a folder", Err: fmt.Errorf("%s is a file: a model is a folder", dir)}
	}
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	if (there(weightsFile) || there(safetensors.IndexName)) && !there(configFile) && !there(begunFile) && !there(checkpointDir) {
		return &KeyError{Key: "out", Hint: "give another folder, with out: in the section or --out, or move that model away",
			Err: fmt.Errorf("%s holds a model that was not trained there and would be lost", dir)}
	}
	return nil
}

// finished gives the report of a model that is whole; nil where there is none. A report without its model is removed: the training goes on to its end once more.
func finished(disk schemas.FS, dir string) (*Report, error) {
	rep, err := readReport(dir)
	if err != nil {
		return nil, nil
	}
	if _, err := os.Stat(filepath.Join(dir, weightsFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, disk.Remove(filepath.Join(dir, reportFile))
	}
	return rep, nil
}

// wipe removes what a training has made in its folder.
func wipe(disk schemas.FS, dir string) error {
	for _, name := range append(memberFolders(dir), reportFile, checkpointDir, metricsFile, tokenizerFile, tokenizer.ConfigName) {
		if err := disk.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// memberFolders names what began as a member of an ensemble in dir, whatever marks of a pattern dir itself may hold.
func memberFolders(dir string) []string {
	names, _ := fs.Glob(os.DirFS(dir), memberPrefix+"*") // the pattern is well formed
	return names
}

// CheckSettings tells whether [Update] would refuse the settings of c, or the folder dir, for a model; the data are not looked at.
func CheckSettings(c Config, dir string) error {
	if err := c.Check(); err != nil {
		return err
	}
	if err := vacant(dir); err != nil {
		return err
	}
	s, err := json.Marshal(c.determining())
	if err != nil {
		return err
	}
	mine := begun{Settings: s}
	if next, ok := readBegun(dir + newSuffix); ok && bytes.Equal(compact(next.Settings), s) {
		return nil
	}
	return allowed(mine, dir)
}

// allowed refuses other settings than those of the work that lies in dir.
func allowed(mine begun, dir string) error {
	was, there := readBegun(dir)
	if !there || !hasWork(dir) || bytes.Equal(compact(was.Settings), compact(mine.Settings)) {
		return nil
	}
	var before, now Config
	if err := errors.Join(json.Unmarshal(was.Settings, &before), json.Unmarshal(mine.Settings, &now)); err != nil {
		return fmt.Errorf("settings of the training in %s: %w", dir, err)
	}
	if diff := differences(before, now); diff != nil {
		return &ChangedError{dir, diff}
	}
	return nil
}

// hasWork tells whether a training has come so far in dir that something would be lost.
func hasWork(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, reportFile))
	return err == nil || len(memberFolders(dir)) > 0 || len(listSteps(filepath.Join(dir, checkpointDir))) > 0
}

func say(o Options, what string) {
	if o.Say != nil {
		o.Say(what)
	}
}

// begins is what a training of c that begins now goes by.
func (c *Config) begins() (b begun, err error) {
	if b.Settings, err = json.Marshal(c.determining()); err == nil {
		b.Data, err = feed.Identity(sources(c.Data))
	}
	return b, err
}

func (b begun) same(other begun) bool {
	return b.Data == other.Data && bytes.Equal(compact(b.Settings), compact(other.Settings))
}

// compact takes the white space out of JSON.
func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

func (b begun) write(fs schemas.FS, dir string) error {
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return err
	}
	if err := fs.MkdirAll(dir); err != nil {
		return err
	}
	return schemas.WriteFile(fs, filepath.Join(dir, begunFile), append(text, '\n'))
}

func readBegun(dir string) (b begun, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, begunFile))
	return b, err == nil && json.Unmarshal(text, &b) == nil
}

// swap puts the finished model of dir.new in the place of dir.
func swap(fs schemas.FS, dir string) error {
	if err := fs.RemoveAll(dir + oldSuffix); err != nil {
		return err
	}
	if err := fs.Rename(dir, dir+oldSuffix); err != nil {
		return err
	}
	return finishSwap(fs, dir)
}

// finishSwap completes a swap that a crash has cut short: one is under way while dir.old is there.
func finishSwap(disk schemas.FS, dir string) error {
	if _, err := os.Stat(dir + oldSuffix); err != nil {
		return nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		from := dir + newSuffix
		if _, err := readReport(from); err != nil {
			from = dir + oldSuffix
		}
		if err := disk.Rename(from, dir); err != nil {
			return err
		}
		if err := disk.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := schemas.Carry(disk, dir+oldSuffix, dir, isOwn); err != nil {
		return err
	}
	return disk.RemoveAll(dir + oldSuffix)
}

// own are the entries of a model's folder that a training makes. All else is carried along when it is replaced.
var own = []string{model.ConfigName, weightsFile, tokenizerFile, tokenizer.ConfigName, configFile, begunFile, reportFile, reportText, reportPage, metricsFile, trialsFile,
	checkpointDir, tokensDir}

func isOwn(name string) bool {
	return slices.Contains(own, name) || strings.HasPrefix(name, memberPrefix)
}
