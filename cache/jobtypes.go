package cache

import "time"

// Job is work that was written in the transaction that caused it.
type Job struct {
	ID        int64
	Kind      string
	Host      string // remote host; "" for none: fairness and circuits are per host
	Lane      string // jobs of one lane run one after the other; "" for no order
	Payload   []byte
	Note      string // for people: what it is about
	RunAt     time.Time
	ExpiresAt time.Time // zero: never
	Attempts  int
	LastError string
	CreatedAt time.Time
	State     JobState // read only
	LeasedTo  time.Time
}

// JobState is the state of a job.
type JobState string

// The states of jobs. Done jobs are deleted.
const (
	JobQueued JobState = "queued"
	JobLeased JobState = "leased"
	JobFailed JobState = "failed" // given up, kept for inspection
)

// LeaseQuery asks for work.
type LeaseQuery struct {
	Now     time.Time
	Kinds   []string // nil: all
	Limit   int
	For     time.Duration // how long the lease holds
	PerHost int           // most leased at once for one host; 0: no limit
}

// JobQuery selects jobs for people to look at.
type JobQuery struct {
	Kind, Host string
	State      JobState
	After      int64
	Limit      int
}

// JobStat counts jobs.
type JobStat struct {
	Kind, Host string
	State      JobState
	Count      int
	Oldest     time.Time // RunAt of the oldest
}

// SearchQuery is a search. Text is ours: words are AND-ed, "a phrase",
// -without, prefix*.
type SearchQuery struct {
	Text   string
	Viewer Viewer
	All    bool   // Operator only: private posts too
	Any    bool   // authors who did not ask to be indexable too
	From   string // actor URI or handle of the author
	Tag    string
	Host   string // of the owner
	Kind   string
	Lang   string
	Since  time.Time
	Until  time.Time
	Cursor int64 // ID of the last hit of the page before
	Limit  int   // 0: 20
}

// Hit is a post that a search found.
type Hit struct {
	Stored
	Snippet string   // plain text around the match
	Marks   [][2]int // byte ranges in Snippet that matched
}

// SearchResult is a page of hits, newest first.
type SearchResult struct {
	Hits   []Hit
	Cursor int64 // for the next page; 0: there is none
	Behind int   // posts that wait to be indexed
}

// Stats are the sizes of the store.
type Stats struct {
	FileBytes, WALBytes, FreeBytes                    int64
	Posts, Actors, Accounts, Follows, Jobs, Unindexed int64
	Queue                                             int // updates that wait for the writer
}
