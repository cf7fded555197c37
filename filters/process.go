package filters

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// process is a running program that answers lines with lines. It serves one caller at a time.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	err  *tail
	late atomic.Bool // the time of a row ran out
	once sync.Once
}

var errTimeout = errors.New("it took too long")

const (
	maxLine = 16 << 20
	grace   = 2 * time.Second // for a program to end by itself once its input is closed
)

// start runs a program in a process group of its own.
func start(path string, args []string, dir string, env map[string]string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), err: &tail{}}
	p.cmd.Dir = dir
	for _, k := range []string{"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "TEMP"} {
		if v, ok := os.LookupEnv(k); ok {
			p.cmd.Env = append(p.cmd.Env, k+"="+v)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		p.cmd.Env = append(p.cmd.Env, k+"="+env[k])
	}
	p.cmd.Stderr = p.err
	p.cmd.WaitDelay = grace // a grandchild may hold standard error open
	ownGroup(p.cmd)
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 64<<10)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return p, nil
}

// exchange sends a line and reads the answer. When the time or the context ends, the process is killed, which ends the read.
func (p *process) exchange(ctx context.Context, line []byte, limit time.Duration) ([]byte, error) {
	timer := time.AfterFunc(limit, func() { p.late.Store(true); p.kill() })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	_, err := p.in.Write(append(line, '\n'))
	var answer []byte
	if err == nil {
		answer, err = p.read()
	}
	switch {
	case p.late.Load():
		return nil, fmt.Errorf("%w: more than %s", errTimeout, limit)
	case err != nil:
		return nil, p.ended(err)
	}
	return answer, nil
}

// read reads one line without its end.
func (p *process) read() ([]byte, error) {
	var line []byte
	for {
		part, err := p.out.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("its answer is longer than %d bytes", maxLine)
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// ended turns a broken pipe into how the process ended.
func (p *process) ended(err error) error {
	p.end() // not kill: its own exit status is wanted
	if s := p.cmd.ProcessState; s != nil && (errors.Is(err, io.EOF) || !s.Success()) {
		return fmt.Errorf("it ended: %s", s)
	}
	return err
}

// kill ends the process group at once and collects it.
func (p *process) kill() {
	p.once.Do(func() {
		killGroup(p.cmd)
		p.in.Close()
		p.cmd.Wait()
	})
}

// end closes the program's input and gives it a moment to finish; what is left of its group is killed.
func (p *process) end() {
	p.once.Do(func() {
		p.in.Close()
		timer := time.AfterFunc(grace, func() { killGroup(p.cmd) })
		io.Copy(io.Discard, p.out)
		p.cmd.Wait()
		timer.Stop()
		killGroup(p.cmd)
	})
}

// said is the end of what the program wrote to standard error, for an error message.
func (p *process) said() string {
	s := strings.TrimSpace(p.err.String())
	if s == "" {
		return ""
	}
	return "; it said: " + s
}

// tail keeps the last 2,000 bytes written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const size = 2000
	t.b = append(t.b, b[max(0, len(b)-size):]...)
	t.b = append(t.b[:0], t.b[max(0, len(t.b)-size):]...)
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.b), "�")
}
