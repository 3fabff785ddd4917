package translate

import (
	"fmt"
	"strings"
)

// kindNames are the kinds as people write them, everywhere; a question is a
// poll to them.
var kindNames = [...]struct {
	name string
	kind Kind
}{{"note", KindNote}, {"article", KindArticle}, {"event", KindEvent}, {"poll", KindQuestion}, {"boost", KindBoost}}

// Name is what people call a kind.
func (k Kind) Name() string {
	for _, n := range kindNames {
		if n.kind == k {
			return n.name
		}
	}
	return string(k)
}

// ParseKind reads the name of a kind, in either of its spellings.
func ParseKind(name string) (Kind, error) {
	for _, k := range kindNames {
		if name == k.name || name == string(k.kind) {
			return k.kind, nil
		}
	}
	return "", fmt.Errorf("there is no kind %q: the kinds are %s", name, strings.Join(KindNames(), ", "))
}

// KindNames are what people call all kinds.
func KindNames() []string {
	names := make([]string, len(kindNames))
	for i, k := range kindNames {
		names[i] = k.name
	}
	return names
}
