package trainer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"sluice/pipeline/catalog"
	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// Masking is the choice of a masker: its name alone, or with its settings.
type Masking struct {
	Name   string
	Masker mask.Masker
}

// UnmarshalYAML reads `token` or `token: {rate: 0.3}`.
func (m *Masking) UnmarshalYAML(decode func(any) error) error {
	return choose(decode, "masker", mask.Catalog, &m.Name, &m.Masker)
}

// Choices are all maskers: where a key of one is mistyped, its keys are suggested.
func (Masking) Choices() []any { return all(mask.Catalog) }

// Mixing is the choice of a mixer.
type Mixing struct {
	Name  string
	Mixer mix.Mixer
}

// UnmarshalYAML reads `uniform` or `temperature: {t: 2}`.
func (m *Mixing) UnmarshalYAML(decode func(any) error) error {
	return choose(decode, "mixer", mix.Catalog, &m.Name, &m.Mixer)
}

// Choices are all mixers, as [Masking.Choices].
func (Mixing) Choices() []any { return all(mix.Catalog) }

func all[T any](known catalog.Catalog[T]) (out []any) {
	for _, name := range known.Names() {
		out = append(out, known[name]())
	}
	return out
}

// choose reads the name of a component, alone or as the only key over its settings, which are decoded onto the component's defaults.
func choose[T any](decode func(any) error, what string, known catalog.Catalog[T], name *string, into *T) error {
	var written any
	if err := decode(&written); err != nil {
		return err
	}
	var bare bool
	switch v := written.(type) {
	case string:
		*name, bare = v, true
	case map[string]any:
		for k := range v {
			*name = k
		}
		if len(v) != 1 {
			return fmt.Errorf("want one %s with its settings below it, not %d keys", what, len(v))
		}
	default:
		return fmt.Errorf("want the name of a %s, alone or with its settings below it", what)
	}
	make, ok := known[*name]
	if !ok {
		hint := ""
		if near := catalog.Nearest(*name, known.Names()); near != "" {
			hint = fmt.Sprintf(": did you mean %s?", near)
		}
		return fmt.Errorf("unknown %s %q%s (known: %s)", what, *name, hint, strings.Join(known.Names(), ", "))
	}
	*into = make()
	if bare {
		return nil
	}
	// A struct with one field, named as the component, that holds the component: settings land on it, and the decoder stays as strict as it is.
	t := reflect.TypeOf(*into)
	holder := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Component", Type: t, Tag: reflect.StructTag(fmt.Sprintf("yaml:%q", *name))}}))
	holder.Elem().Field(0).Set(reflect.ValueOf(*into))
	return decode(holder.Interface())
}

// stored is the form of a choice in checkpoints.
type stored struct {
	Name     string          `json:"name"`
	Settings json.RawMessage `json:"settings"`
}

func store(name string, component any) ([]byte, error) {
	b, err := json.Marshal(component)
	if err != nil {
		return nil, err
	}
	return json.Marshal(stored{name, b})
}

func restore[T any](b []byte, known catalog.Catalog[T], name *string, into *T) error {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	make, ok := known[s.Name]
	if !ok {
		return fmt.Errorf("unknown component %q", s.Name)
	}
	*name, *into = s.Name, make()
	return json.Unmarshal(s.Settings, *into)
}

// MarshalJSON gives the name and the settings.
func (m Masking) MarshalJSON() ([]byte, error) { return store(m.Name, m.Masker) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Masking) UnmarshalJSON(b []byte) error {
	return restore(b, mask.Catalog, &m.Name, &m.Masker)
}

// MarshalJSON gives the name and the settings.
func (m Mixing) MarshalJSON() ([]byte, error) { return store(m.Name, m.Mixer) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Mixing) UnmarshalJSON(b []byte) error { return restore(b, mix.Catalog, &m.Name, &m.Mixer) }
