package lab

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ActorJID is the XMPP address of a fediverse user at the site's gateway
// (XEP-0106).
func (n Names) ActorJID(user, host string) string {
	return user + `\40` + host + "@" + n.Component
}

// Blog publishes a short post to one's microblog the way Movim does: with a
// comments node beside it, to which one subscribes.
func (c *Client) Blog(ctx context.Context, id, text string) error {
	if err := c.OpenComments(ctx, id); err != nil && !isCondition(err, "conflict") {
		return fmt.Errorf("make the comments node: %w", err)
	}
	if _, err := c.Subscribe(ctx, c.Account.JID(), Comments+id); err != nil {
		return fmt.Errorf("subscribe to the comments: %w", err)
	}
	_, err := c.Publish(ctx, "", Microblog, id, c.Entry(id, text).XML(), OpenNode())
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Entry is a plain entry of one's own, its comments in one's own account.
func (c *Client) Entry(id, text string) Entry {
	now := time.Now().UTC().Format(time.RFC3339)
	return Entry{
		ID: "tag:" + c.Account.Domain + ",2026:" + id, Title: text, Author: c.Account.JID(),
		Published: now, Updated: now, CommentsOf: c.Account.JID(), CommentsNode: Comments + id,
	}
}

// Comment publishes an entry into the comments node of an item, as an answer to
// the node's post, or to another comment if its address is given.
func (c *Client) Comment(ctx context.Context, owner, item, id, text, inReplyTo string) error {
	entry := c.Entry(id, text)
	entry.CommentsNode, entry.InReplyTo = "", inReplyTo
	_, err := c.Publish(ctx, owner, Comments+item, id, entry.XML(), nil)
	return err
}

// Attachments is the node for what is attached to an item of a microblog
// (XEP-0470 §4.1).
func Attachments(jid, item string) string {
	return "urn:xmpp:pubsub-attachments:1/xmpp:" + jid + "?;node=urn%3Axmpp%3Amicroblog%3A0;item=" + item
}

// Attach publishes what one attaches to an item of a microblog: the children of
// an attachments element.
func (c *Client) Attach(ctx context.Context, jid, item, children string) error {
	payload := "<attachments xmlns='urn:xmpp:pubsub-attachments:1'>" + children + "</attachments>"
	_, err := c.Publish(ctx, jid, Attachments(jid, item), c.Account.JID(), payload, nil)
	return err
}

// FindItem polls a node until one of its items matches.
func (c *Client) FindItem(ctx context.Context, to, node, what string, match func(*Node) bool) (*Node, error) {
	var last error
	var seen []*Node
	for {
		items, err := c.Items(ctx, to, node, Page{MaxItems: 50})
		var refused *StanzaError
		if err != nil && !errors.As(err, &refused) {
			return nil, errors.Join(err, last)
		}
		last, seen = err, items.List
		for _, n := range items.List {
			if match(n) {
				return n, nil
			}
		}
		select {
		case <-ctx.Done():
			var texts []string
			for _, n := range seen {
				texts = append(texts, n.String())
			}
			return nil, errors.Join(fmt.Errorf("looked in %s of %s for %s: %w; it holds:\n%s", node, to, what, ctx.Err(), strings.Join(texts, "\n")), last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Says tells whether an item or event says something, in title or content.
func Says(text string) func(*Node) bool {
	return func(n *Node) bool { return strings.Contains(n.Content(), text) }
}

// Eventually polls until a condition holds. The last reason why it does not is
// in the error.
func Eventually(ctx context.Context, what string, holds func() error) error {
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func isCondition(err error, condition string) bool {
	var e *StanzaError
	return errors.As(err, &e) && e.Condition == condition
}

// PublishAvatar gives the account a picture, a PNG of 96 by 96 (XEP-0084).
func (c *Client) PublishAvatar(ctx context.Context, picture []byte) error {
	sum := sha1.Sum(picture) // XEP-0084 §4.2.1: the item id
	id := hex.EncodeToString(sum[:])
	data := "<data xmlns='urn:xmpp:avatar:data'>" + base64.StdEncoding.EncodeToString(picture) + "</data>"
	if _, err := c.Publish(ctx, "", "urn:xmpp:avatar:data", id, data, OpenNode()); err != nil {
		return fmt.Errorf("publish the avatar: %w", err)
	}
	info := fmt.Sprintf("<metadata xmlns='urn:xmpp:avatar:metadata'><info id='%s' type='image/png' bytes='%d' width='96' height='96'/></metadata>", id, len(picture))
	_, err := c.Publish(ctx, "", "urn:xmpp:avatar:metadata", id, info, OpenNode())
	return err
}
