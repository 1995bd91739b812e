package scenarios

// Everything drawn in a run is a function of names and numbers, not the next
// value of a shared stream: changing a balancer does not change the work of
// the requests that it spreads.

// Mix makes one well scattered word of two (two rounds of splitmix64). The
// order of its arguments matters.
func Mix(a, b uint64) uint64 { return remix(premix(a), b) }

// premix and remix are the two rounds of Mix, for those who mix one a with many
// b: Mix(a, b) is remix(premix(a), b).
func premix(a uint64) uint64       { return scatter(a) }
func remix(mixed, b uint64) uint64 { return scatter(mixed ^ b) }

// Hash is the FNV-1a hash of a name, scattered.
func Hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return scatter(h)
}

// Unit turns a well scattered word into a number strictly between 0 and 1.
func Unit(x uint64) float64 { return (float64(x>>12) + 0.5) / (1 << 52) }

// scatter is one step of splitmix64 (Steele, Lea and Flood, 2014).
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
