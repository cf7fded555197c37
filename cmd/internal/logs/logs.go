package logs

import (
	"fmt"
	"io"
	"log/slog"
)

// Forms of log lines.
const (
	Text = "text" // time=12:04:31 msg=sealed segment=0 rows=50000
	JSON = "json" // {"time":"…","level":"INFO","msg":"sealed","segment":0,"rows":50000}
)

// New returns a logger that writes lines of the given form to w.
func New(w io.Writer, form string) (*slog.Logger, error) {
	switch form {
	case JSON:
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	case Text:
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: brief})), nil
	}
	return nil, fmt.Errorf("unknown form of logs %q: use %s or %s", form, Text, JSON)
}

// brief shortens what every line repeats: the date, which the journal of the run keeps, and the usual level.
func brief(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == slog.TimeKey:
		return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05"))
	case a.Key == slog.LevelKey && a.Value.Any() == slog.LevelInfo:
		return slog.Attr{}
	}
	return a
}
