package cache

// FollowersBefore is FollowersOf from the other end: newest first, with ids
// under before, which is open for 0. The state has to be given.
func (tx *Tx) FollowersBefore(followee string, s FollowState, before int64, limit int) ([]Follow, error) {
	return all(tx, scanFollow, followColumns+"WHERE followee = ? AND state = ? AND id < ? ORDER BY id DESC LIMIT ? + 0",
		followee, string(s), orHighest(before), limitOr(limit, 100))
}

// FollowingBefore is FollowersBefore in the other direction.
func (tx *Tx) FollowingBefore(follower string, s FollowState, before int64, limit int) ([]Follow, error) {
	return all(tx, scanFollow, followColumns+"WHERE follower = ? AND state = ? AND id < ? ORDER BY id DESC LIMIT ? + 0",
		follower, string(s), orHighest(before), limitOr(limit, 100))
}

func orHighest(id int64) int64 {
	if id == 0 {
		return 1<<63 - 1
	}
	return id
}
