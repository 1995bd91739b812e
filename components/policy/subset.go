package policy

import "math/rand/v2"

// Subset chooses which of n backends one of several proxies talks to, so that
// connections and health checks do not grow with the product of both, and every
// backend has the same number of proxies. Proxies are cut into rounds of n/size
// each; a round shuffles all backends in an order of its own, and each of its
// proxies takes its slice. The result is in ascending order; all of them if
// size is 0 or no less than n.
//
// Source: deterministic subsetting, Site Reliability Engineering, 2016,
// chapter 20.
// Cost: O(n) once.
// Weak spot: backends left over by the division get no proxy of that round; a
// pool of another size changes almost every subset.
func Subset(n, proxy, size int, seed uint64) []int {
	if size <= 0 || size >= n {
		return ascending(n, func(int) bool { return true })
	}
	subsets := n / size
	round, slice := proxy/subsets, proxy%subsets
	order := rand.New(rand.NewPCG(seed, uint64(round))).Perm(n)
	chosen := make([]bool, n)
	for _, i := range order[slice*size : (slice+1)*size] {
		chosen[i] = true
	}
	return ascending(n, func(i int) bool { return chosen[i] })
}

// ascending lists the numbers below n that are wanted.
func ascending(n int, wanted func(int) bool) []int {
	var list []int
	for i := range n {
		if wanted(i) {
			list = append(list, i)
		}
	}
	return list
}
