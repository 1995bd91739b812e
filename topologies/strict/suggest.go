package strict

import (
	"fmt"
	"slices"
	"strings"
)

// mostSuggested is how many words are listed: more than any node has fields.
const mostSuggested = 60

// Suggest says what would be right in place of an unknown word: the known word
// closest to it, or else all of them after the given introduction.
func Suggest(word, introduction string, known []string) string {
	if close := Closest(word, known); close != "" {
		return fmt.Sprintf("did you mean %q?", close)
	}
	if len(known) == 0 {
		return ""
	}
	if len(known) > mostSuggested {
		known = append(slices.Clone(known[:mostSuggested]), "…")
	}
	return introduction + " " + strings.Join(known, ", ")
}

// Closest is the known word that a misspelt one most likely stands for, or "";
// of several equally close the last.
func Closest(word string, known []string) string {
	best, least := "", max(1, min(len(word), 12)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= least {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, drop, replace or swap with
// their neighbour to turn a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
