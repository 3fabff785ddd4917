package translate

import (
	"net/url"
	"slices"
	"strings"

	"isthmus/xmpp/stanza"
)

// MeantActor gives the handle that is probably meant by an address of the
// component that is nobody's: one in the spelling of other gateways
// (user%host, Matrix's and mail's habit), a handle with its leading @ or with acct:,
// the address of a profile, or one that was escaped twice. It says nothing of
// whether there is such an actor.
func (a *Addresses) MeantActor(jid string) (handle string, ok bool) {
	bare, _, _ := strings.Cut(jid, "/")
	local, domain, found := strings.Cut(bare, "@")
	if d, err := normalDomain(domain); err != nil || !found || d != a.component || len(local) > maxJIDPart {
		return "", false
	}
	s := stanza.UnescapeLocal(foldASCII(local))
	if again := stanza.UnescapeLocal(s); strings.Contains(s, `\40`) || strings.Contains(s, `\3a`) {
		s = again
	}
	for _, prefix := range []string{"acct:", "xmpp:"} {
		s = strings.TrimPrefix(s, prefix)
	}
	if page, isPage := pageInName(s); isPage {
		if s, ok = profileOf(page); !ok {
			return "", false
		}
	}
	if at := strings.LastIndexByte(s, '%'); at > 0 && !strings.Contains(s[1:], "@") {
		s = s[:at] + "@" + s[at+1:]
	}
	user, host, err := splitHandle(s)
	if err != nil || !strings.Contains(host, ".") {
		return "", false
	}
	return user + "@" + host, true
}

// IsForeignSpelling tells whether a handle that ParseActorJID gave is rather what
// somebody wrote who knows another gateway: nobody's name begins like that.
func IsForeignSpelling(handle string) bool {
	for _, begin := range []string{"acct:", "xmpp:", "http:", "https:", "http___", "https___"} {
		if strings.HasPrefix(handle, begin) {
			return true
		}
	}
	return false
}

// pageInName makes a URL of a name that stands for one: as it is, or as gateways
// write it that put _ for what an address may not have.
func pageInName(s string) (string, bool) {
	for _, scheme := range []string{"https", "http"} {
		if strings.HasPrefix(s, scheme+"://") {
			return s, true
		}
		if rest, ok := strings.CutPrefix(s, scheme+"___"); ok {
			host, path, _ := strings.Cut(rest, "_")
			for _, folder := range profileFolders { // user names have _ themselves
				if name, ok := strings.CutPrefix(path, folder+"_"); ok {
					path = folder + "/" + name
				}
			}
			return "https://" + host + "/" + path, true
		}
	}
	return "", false
}

// profileFolders are where servers have the pages of people.
var profileFolders = []string{"users", "user", "u", "profile", "author", "accounts", "c", "video-channels"}

// profileOf makes a handle of the address of a profile.
func profileOf(page string) (string, bool) {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	path := strings.Trim(u.Path, "/")
	if name, ok := strings.CutPrefix(path, "@"); ok {
		path = name
	} else if folder, name, ok := strings.Cut(path, "/"); ok && slices.Contains(profileFolders, folder) {
		path = name
	} else {
		return "", false
	}
	if path == "" || strings.ContainsAny(path, "/@%") {
		return "", false
	}
	return path + "@" + u.Host, true
}
