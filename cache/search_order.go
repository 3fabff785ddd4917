package cache

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Order is a key to order by: relevance, published, updated, received, or the
// path of a field that has one value.
type Order struct {
	By   string
	Desc bool
}

// maxOrders bounds the keys of an order.
const maxOrders = 4

// The keys that are not fields of the post.
const (
	byRelevance = "relevance"
	byPublished = "published"
	byUpdated   = "updated"
	byReceived  = "received"
)

// ParseOrder reads a key as people write it: updated, -updated, owner.handle,
// title:desc. What is relevant or new comes first unless it says asc.
func ParseOrder(text string) (Order, error) {
	by, way, given := strings.Cut(strings.TrimSpace(text), ":")
	minus := strings.HasPrefix(by, "-")
	o := Order{By: strings.TrimPrefix(by, "-")}
	switch {
	case !given && minus:
		o.Desc = true
	case !given:
		o.Desc = slices.Contains([]string{byRelevance, byPublished, byUpdated, byReceived}, o.By)
	case strings.EqualFold(way, "desc"), strings.EqualFold(way, "asc"):
		o.Desc = strings.EqualFold(way, "desc") != minus
	default:
		return o, &QueryError{Problem: fmt.Sprintf("%q is no direction", way), Hint: "write asc or desc"}
	}
	_, err := o.key()
	return o, err
}

// key is the SQL of the value to order by.
func (o Order) key() (string, error) {
	switch o.By {
	case byRelevance:
		return "", nil // written by the plan
	case byPublished:
		return "p.id", nil // which follows the date (design §7)
	case byUpdated:
		return fmt.Sprintf("max(p.updated, p.id >> %d)", idBits), nil
	case byReceived:
		return "p.received", nil
	}
	f, err := parsePath(o.By)
	if err != nil {
		q, _ := err.(*QueryError)
		if near := Nearest(o.By, []string{byRelevance, byPublished, byUpdated, byReceived}); near != "" && q != nil {
			q.Hint = fmt.Sprintf("did you mean %s?", near)
		}
		return "", err
	}
	if f.kind == objectField || f.many() {
		return "", &QueryError{Problem: o.By + " is not one value", Hint: "name one, such as owner.handle or media[0].size"}
	}
	if f.kind == stringField {
		return fmt.Sprintf("substr(%s, 1, %d)", f.value(storedPost), maxKey), nil
	}
	return f.value(storedPost), nil
}

// maxKey is how much of a text counts in an order, in characters.
const maxKey = 100

// cursor is the place after a hit: the values that it is ordered by, and which
// search it belongs to.
type cursor struct {
	Search string           `json:"s"`
	ID     int64            `json:"i"`
	Keys   []jsontext.Value `json:"k,omitempty"`
	Top    int64            `json:"t,omitempty"` // newest post of the window that is ranked
	// Skip is how many came before by rank. The rank itself is no place: it
	// changes with every post that has the words.
	Skip int `json:"n,omitempty"`
}

// maxCursor bounds a cursor, in bytes.
const maxCursor = 8192

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // it has only numbers and text
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads the cursor of a search.
func parseCursor(s, search string, keys int) (c cursor, values []any, err error) {
	wrong := &QueryError{Problem: "the cursor is not one of this search", Hint: "start without it"}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(s) > maxCursor || json.Unmarshal(b, &c) != nil || c.Search != search || len(c.Keys) != keys || c.ID <= 0 || c.Skip < 0 || c.Skip > rankWindow {
		return c, nil, wrong
	}
	for _, k := range c.Keys {
		v, ok := keyValue(k)
		if !ok {
			return c, nil, wrong
		}
		values = append(values, v)
	}
	return c, values, nil
}

// keyValue reads a value back as SQLite had it.
func keyValue(k jsontext.Value) (any, bool) {
	switch k.Kind() {
	case 'n':
		return nil, true
	case '"':
		var s string
		err := json.Unmarshal(k, &s)
		return s, err == nil
	case '0':
		if n, err := strconv.ParseInt(string(k), 10, 64); err == nil {
			return n, true
		}
		n, err := strconv.ParseFloat(string(k), 64)
		return n, err == nil
	}
	return nil, false
}

// keyJSON is the reverse of keyValue.
func keyJSON(v any) jsontext.Value {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	if f, ok := v.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		v = nil
	}
	b, err := json.Marshal(v, lenientText)
	if err != nil {
		return jsontext.Value("null")
	}
	return b
}

// name is what a cursor must be of: the same search by the same viewer.
func (q SearchQuery) name() (string, error) {
	b, err := json.Marshal([]any{q.Text, q.Filters, q.Order, q.Viewer, q.All, q.Any}, lenientText, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("name the search: %w", err)
	}
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:6]), nil
}

// after is the condition to come after a hit in an order: k1 to kn and id are
// columns, and values those of the hit. Missing values come last either way.
func after(order []Order, values []any, id int64, arg func(any) string) string {
	cond := "id < " + arg(id)
	for i, o := range slices.Backward(order) {
		k, sign := fmt.Sprintf("k%d", i), ">"
		if o.Desc {
			sign = "<"
		}
		if values[i] == nil {
			cond = fmt.Sprintf("(%s IS NULL AND %s)", k, cond)
			continue
		}
		v := arg(values[i])
		cond = fmt.Sprintf("(%s IS NULL OR %s %s %s OR (%s = %s AND %s))", k, k, sign, v, k, v, cond)
	}
	return cond
}

// orderBy writes an order over those columns.
func orderBy(order []Order) string {
	var keys []string
	for i, o := range order {
		keys = append(keys, fmt.Sprintf("k%d IS NULL", i), fmt.Sprintf("k%d%s", i, descending(o.Desc)))
	}
	return " ORDER BY " + strings.Join(append(keys, "id DESC"), ", ")
}
