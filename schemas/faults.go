package schemas

import (
	"errors"
	"fmt"
)

var errClosed = errors.New("writer is closed")

// recoverAs turns a panic of a library that reads or writes foreign bytes into an error. It is deferred.
func recoverAs(err *error, where string) {
	switch p := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("%s: %w", where, p)
	default:
		*err = fmt.Errorf("%s: %v", where, p)
	}
}

// safely calls f and returns a panic of it as an error.
func safely(where string, f func() error) (err error) {
	defer recoverAs(&err, where)
	return f()
}

var errNotFinite = errors.New("NaN and infinities cannot be stored")

func notAValue(v any) error { return fmt.Errorf("Go type %T is not a column value", v) }
