package pipeline

import (
	"context"
	"iter"

	"sluice/schemas"
)

// A Source yields seed rows. Their order depends on its configuration and on what was read before, alone.
type Source interface {
	// Read yields the rows that come after done: first known files in done's order, each behind its Rows rows, whose
	// rolling hash must equal done's; then new files in sorted order. A file of done that is gone, shorter or
	// changed is an error. An error ends the rows.
	Read(ctx context.Context, done []schemas.SourceExtent) iter.Seq2[SourceRow, error]
}

// SourceRow is one row of a source: a record, or the reject of a row that could not be read as declared.
type SourceRow struct {
	Record   *schemas.Record
	Bad      *Reject // in place of Record; its own Record has id, origin and what could be kept
	File     string  // logical name
	Row      int64   // number in that file, from 0
	Hash     uint64  // rolling hash of the file's rows up to and with this one
	Extra    int     // values of undeclared columns that were left out, as extra: drop asks
	Repaired int     // values whose invalid UTF-8 was replaced
}

// Extent returns how far its file has been read with this row.
func (r *SourceRow) Extent() schemas.SourceExtent {
	return schemas.SourceExtent{Name: r.File, Rows: r.Row + 1, Hash: hexHash(r.Hash)}
}

// SourceStage is the identity of the source among the stages of counts and rejects.
const SourceStage = "source"

// Formats of source files beside those of shards.
const (
	FormatJSON    = "json"
	FormatCSV     = "csv"
	FormatTSV     = "tsv"
	FormatText    = "text"
	FormatDataset = "dataset"
)

// SourceSpec says where seed rows come from: files of one format, or of the format their extension tells
// when path stands without one.
type SourceSpec struct {
	// JSONL reads one JSON object per line; .gz and .zst are unpacked.
	JSONL *FileSpec `yaml:"jsonl"`
	// JSON reads files that hold one array of objects.
	JSON *FileSpec `yaml:"json"`
	// CSV reads comma-separated values with a header line.
	CSV *FileSpec `yaml:"csv"`
	// TSV reads tab-separated values with a header line.
	TSV *FileSpec `yaml:"tsv"`
	// Parquet reads Parquet files.
	Parquet *FileSpec `yaml:"parquet"`
	// Arrow reads Arrow IPC files and streams.
	Arrow *FileSpec `yaml:"arrow"`
	// Text reads plain text: whole files, lines or paragraphs.
	Text *FileSpec `yaml:"text"`
	// Dataset reads a dataset folder: one that sluice wrote, or one in the layout of Hugging Face.
	Dataset *FileSpec `yaml:"dataset"`

	FileSpec `yaml:",inline"`

	// Holdout is the share of seeds kept out of the run, by hash of their id and stratified by label: they land in the test split. Default 0.
	Holdout float64 `yaml:"holdout"`

	Format string `yaml:"-"` // the one that was chosen; "" when the extensions tell. Its keys are in FileSpec, with defaults.
}

// FileSpec says which files are read and how their rows become records.
type FileSpec struct {
	// Path is a path or glob, or a list of them: *, **, ?, [a-z] and {a,b} as in doublestar. Relative to the recipe's folder.
	Path Paths `yaml:"path"`
	// Map names the source columns that hold a record's content. Default: columns of the same name.
	Map MapSpec `yaml:"map"`
	// Kind is text, labeled, multilabel, chat or preference. Default: what the columns tell.
	Kind schemas.Kind `yaml:"kind"`
	// Columns declares user columns and their types: string, int, float, bool, list<T>, struct<a: T, …>. Default: all columns of the first 1,000 rows.
	Columns map[string]string `yaml:"columns"`
	// Extra is error or drop: what becomes of a row with a column that is neither declared nor inferred. Default error: the row is rejected.
	Extra string `yaml:"extra"`
	// Labels declares the label names: other labels are rejected, and whole numbers count into it from 0.
	Labels []string `yaml:"labels"`
	// Split is the split of a dataset folder to read. Default train.
	Split string `yaml:"split"`
	// Per is file, line or paragraph: what one row of a text file is. Default file.
	Per string `yaml:"per"`
	// MaxLine is the longest line, paragraph or text file read, in bytes; longer ones are rejected. Default 16 MiB.
	MaxLine int `yaml:"max_line"`
	// Delimiter is the one sign between the fields of CSV. Default: a comma, in .tsv files a tab.
	Delimiter string `yaml:"delimiter"`
	// Names are the names of the columns of CSV. Default: its first line.
	Names []string `yaml:"names"`
	// LabelDelimiter stands between the labels in one cell of CSV, where the cell is no JSON list. Default: a comma.
	LabelDelimiter string `yaml:"label_delimiter"`
	// NoHeader tells that the first line of CSV is a row: columns are column1, column2, … or as in names.
	NoHeader bool `yaml:"no_header"`

	Declared []schemas.Column `yaml:"-"` // Columns, read, in the recipe's order
}

// MapSpec names source columns. Columns that it does not name stay user columns under their own name.
type MapSpec struct {
	// Text is the column of the text.
	Text string `yaml:"text"`
	// Label is the column of the label.
	Label string `yaml:"label"`
	// Labels is the column of the list of labels; in CSV a JSON list, or labels with label_delimiter between them.
	Labels string `yaml:"labels"`
	// Messages is the column of the conversation: a list of role and content, or ShareGPT's from and value.
	Messages string `yaml:"messages"`
	// Prompt is the column of what was asked: text or messages.
	Prompt string `yaml:"prompt"`
	// Chosen is the column of the preferred answer: text, messages, or a transcript ("\n\nHuman: …\n\nAssistant: …").
	Chosen string `yaml:"chosen"`
	// Rejected is the column of the other answer, likewise.
	Rejected string `yaml:"rejected"`
	// Columns renames user columns: new name to source column.
	Columns map[string]string `yaml:"columns"`
}

// Paths is one path or glob, or a list of them.
type Paths []string
