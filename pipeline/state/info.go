package state

import (
	"errors"
	"fmt"
)

// Info says what a ledger holds.
type Info struct {
	Answers     int64     // requests with an answer
	AnswerBytes int64     // their values
	Intents     int64     // under way, or left by killed runs
	Settled     int64     // left by killed runs and booked at their worst cost
	Spent       []Booking // by dataset, model and stage
	IndexKeys   int64     // entries of deduplication, which package dedup/index tells apart
	IndexBytes  int64
}

// Info looks at every entry once.
func (l *Ledger) Info() (Info, error) {
	var i Info
	spent, err := l.SpentBy("")
	if err != nil {
		return i, err
	}
	i.Spent = spent
	for e, err := range l.store.Scan(nil) {
		if err != nil {
			return i, fmt.Errorf("ledger: %w", err)
		}
		switch e.Key[0] {
		case 'i':
			i.Intents++
		case 'd':
			i.Settled++
		case 'a', 'x':
			v, err := e.Value()
			if err != nil {
				return i, fmt.Errorf("ledger: %w", err)
			}
			size := int64(len(e.Key) + len(v))
			if e.Key[0] == 'a' {
				i.Answers++
				i.AnswerBytes += size
				continue
			}
			i.IndexKeys++
			i.IndexBytes += size
		}
	}
	return i, nil
}

// Verify decodes every entry of the ledger and checks its checksum, and those of the store's tables where it
// has any. The error joins all that is damaged, each with its key.
func (l *Ledger) Verify() error {
	var faults []error
	if b, ok := l.store.(interface{ VerifyTables() error }); ok {
		if err := b.VerifyTables(); err != nil {
			faults = append(faults, err)
		}
	}
	for e, err := range l.store.Scan(nil) {
		if err != nil {
			return errors.Join(append(faults, err)...)
		}
		if err := verifyEntry(e); err != nil {
			faults = append(faults, fmt.Errorf("state entry %q: %w", e.Key, err))
		}
	}
	return errors.Join(faults...)
}

func verifyEntry(e Entry) error {
	if e.Key[0] == 'x' {
		return nil // verified by package dedup/index
	}
	v, err := e.Value()
	if err != nil {
		return err
	}
	switch e.Key[0] {
	case 'a':
		_, err = decodeAnswers(v)
	case 'i', 'd':
		_, err = decodeIntent(v)
	case 's':
		if _, err = parseCell(e.Key); err == nil {
			_, err = decodeSpend(v)
		}
	case 'n':
		_, err = unsealed(v)
	default:
		err = errors.New("unknown kind of entry")
	}
	return err
}
