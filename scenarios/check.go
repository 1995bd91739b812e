package scenarios

import (
	"fmt"
	"slices"
)

// Check holds a scenario that was stored to the bounds of one that is read from
// a file, as far as work and memory depend on them.
func (s *Scenario) Check() error {
	switch {
	case s.Repeat < 1 || s.Repeat > MostRepetitions:
		return fmt.Errorf("it asks for %d repetitions, not for 1 to %d", s.Repeat, MostRepetitions)
	case len(s.Variants) < 1 || len(s.Variants) > maxVariants:
		return fmt.Errorf("it has %d variants, not 1 to %d", len(s.Variants), maxVariants)
	case !slices.ContainsFunc(s.Variants, func(v Variant) bool { return v.Name == s.Baseline }):
		return fmt.Errorf("there is no variant %q, the baseline", s.Baseline)
	}
	for i := range s.Variants {
		if err := s.Variants[i].check(); err != nil {
			return fmt.Errorf("variant %s: %w", s.Variants[i].Name, err)
		}
	}
	return nil
}

func (v *Variant) check() error {
	switch length := v.Load.Duration(); {
	case v.Topology == nil:
		return fmt.Errorf("it has no topology")
	case length <= 0 || v.Warmup < 0 || v.Warmup >= length:
		return fmt.Errorf("its load lasts %v, and the warm-up %v", length, v.Warmup)
	}
	return v.Topology.Check()
}
