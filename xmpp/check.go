package xmpp

import (
	"context"
	"io"
)

// Check connects once, shakes hands and leaves again. It must not be used while
// the component runs, here or elsewhere: servers let only one of two stay. A
// refusal by the server is a *StreamError.
func (c *Component) Check(ctx context.Context) error {
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	_, _ = io.WriteString(l.conn, "</stream:stream>") // it has proved what we came for
	return l.conn.Close()
}
