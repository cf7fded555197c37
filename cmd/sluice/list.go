package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/reference"
	"sluice/cmd/internal/report"
	"sluice/pipeline"
	"sluice/pipeline/catalog"
)

func newListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [ROLE | COMPONENT | train]",
		Short: "List the components, or print the reference of one",
		Long: `list prints the components that recipes can name, with what each does and its defaults. A role (generators, filters, dedup, and mask
and mix of the section train) lists its own; a component (filters/length) prints its reference: what it does, and every key with
type, default and meaning. train prints the keys of the section train.`,
		Example: "  sluice list filters\n  sluice list filters/length\n  sluice list train",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("component")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(roleNames(), componentNames()...), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.list("")
			}
			return a.list(args[0])
		},
	}
}

func roleNames() []string {
	var names []string
	for _, r := range roles() {
		names = append(names, r.dir)
	}
	return append(names, "mask", "mix", "train")
}

func componentNames() []string {
	var names []string
	for _, r := range roles() {
		for _, n := range r.names {
			names = append(names, r.dir+"/"+n)
		}
	}
	reference.EachOfTrainer(func(name string, _ any) { names = append(names, name) })
	return names
}

// list prints all components, those of a role, or the reference of one: filters/length, or length where only one is called so.
func (a *app) list(what string) error {
	if what == "train" {
		return a.reference(reference.Train())
	}
	var found []reference.Component
	t := &report.Table{Left: []int{1}}
	see := func(name string, component any) {
		role, short, _ := strings.Cut(name, "/")
		c := reference.Of(name, component)
		if what == name || what == short {
			found = append(found, c)
		}
		if what == "" || what == role {
			t.Row(name, c.Purpose())
			if d := defaults(c.Keys); d != "" {
				t.Row("", d)
			}
		}
	}
	reference.Each(catalogs(), see)
	if what != "" {
		reference.EachOfTrainer(see)
	}
	switch {
	case len(found) == 1:
		return a.reference(found[0])
	case len(found) > 1:
		return &usageError{fmt.Errorf("%q is the name of %s and of %s", what, found[0].Name, found[1].Name), "name its role too"}
	case what == "":
		if err := t.Write(a.stdout, ""); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.stdout, "\nsluice list NAME prints the reference of one: sluice list filters/length; sluice list train of the section train")
		return err
	}
	for _, r := range roleNames() {
		if r == what {
			return t.Write(a.stdout, "")
		}
	}
	hint := "sluice list shows all"
	if near := catalog.Nearest(what, append(roleNames(), componentNames()...)); near != "" {
		hint = "did you mean " + near + "?"
	}
	return &usageError{fmt.Errorf("there is no component %q", what), hint}
}

// defaults are the keys that have one, as a recipe would write them: {copies: 4, alpha: 0.1}.
func defaults(keys []reference.Key) string {
	var parts []string
	for _, k := range keys {
		if k.Default != "" && !strings.ContainsAny(k.Name, ".[") {
			parts = append(parts, k.Name+": "+k.Default)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// reference prints all there is to know of a component.
func (a *app) reference(c reference.Component) error {
	fmt.Fprintf(a.stdout, "%s\n\n%s\n\nKeys:\n", c.Name, indent(c.Doc))
	if err := writeKeys(a, c.Keys); err != nil {
		return err
	}
	of, _, _ := strings.Cut(c.Name, "/")
	if !slices.ContainsFunc(roles(), func(r role) bool { return r.dir == of }) {
		return nil // of the section train
	}
	fmt.Fprintf(a.stdout, "\nKeys of every stage:\n")
	var common []reference.Key
	for _, k := range reference.StageKeys() {
		generator := of == string(pipeline.Generators)
		if k.Name == "on" && generator || k.Name == "max_depth" && !generator {
			continue // they do not apply to this role
		}
		common = append(common, k)
	}
	return writeKeys(a, common)
}

// writeKeys prints keys with their types and defaults, and below each what it means.
func writeKeys(a *app, keys []reference.Key) error {
	if len(keys) == 0 {
		_, err := fmt.Fprintln(a.stdout, "  (none)")
		return err
	}
	for _, k := range keys {
		line := fmt.Sprintf("  %s  (%s", k.Name, k.Type)
		if k.Default != "" {
			line += ", default " + k.Default
		}
		line += ")\n"
		if k.Doc != "" {
			line += strings.ReplaceAll(indent(indent(indent(k.Doc))), "\t", "  ") + "\n"
		}
		if _, err := fmt.Fprint(a.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// indent puts two spaces before every line that has text.
func indent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "  " + l
		}
	}
	return strings.Join(lines, "\n")
}
