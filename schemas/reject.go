package schemas

// Reject is a record that left the stream, and why. Every one is kept in the rejects of its dataset.
type Reject struct {
	Record  *Record
	Stage   string   // identity of the stage that took it out
	Reason  string   // fixed short word
	Reasons []string // all rules that failed, where a filter has several
	Failed  bool     // it could not be made or judged, as opposed to judged and dropped
	Detail  string   // the cause in words, such as a validator's message
	Owner   ID       // the earlier record it repeats, for duplicates
	Score   float64  // likeness to Owner
}
