package translate

// What a post holds at most (L13). What is more is cut, never refused.
const (
	maxTags     = 100
	maxMentions = 50
	maxMedia    = 32
	maxEmoji    = 100
	maxLinks    = 32
	maxOptions  = 20
	maxLangs    = 32
	maxAudience = 1024
	maxTag      = 100    // characters
	maxTitle    = 1000   // characters
	maxWarning  = 1000   // characters
	maxSummary  = 5000   // characters
	maxTeaser   = 500    // characters of an Article's summary (N17)
	maxAlt      = 10_000 // characters
)
