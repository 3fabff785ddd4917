package xmpp

import "context"

// Commands lists the ad-hoc commands that an address of ours offers to the
// requester (XEP-0050).
type Commands interface {
	Commands(ctx context.Context, r Request) ([]Command, error)
}

// Command is a command that asks at most one form and gives a result.
type Command struct {
	Node, Name string
	// Form makes the form to fill in; nil when the command needs none.
	Form func(ctx context.Context, r Request) (*Form, error)
	// Run does it; values is nil when there was no form.
	Run func(ctx context.Context, r Request, values *Form) (CommandResult, error)
}

// CommandResult is what the user sees when a command has run.
type CommandResult struct {
	Note     string
	NoteType string // info (the default), warn or error
	Form     *Form  // of type result, or nil
	Retry    bool   // show the form again, with Note
}
