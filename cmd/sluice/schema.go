package main

import (
	"github.com/spf13/cobra"

	"sluice/cmd/internal/reference"
)

func newSchemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of recipes, for editors",
		Long: `schema prints the JSON Schema of recipes. Editors check and complete by it: write it to a file and name that in
the first line of a recipe:

  # yaml-language-server: $schema=sluice.schema.json`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			b, err := reference.Schema(catalogs())
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(b)
			return err
		},
	}
}
