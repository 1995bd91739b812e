package scenarios

// Cases lists every run that the scenario stands for: repetition by
// repetition, and in each all variants in turn, so that what drifts on the
// machine meets all variants alike. All variants of a repetition have the same
// seed, but for those that are salted.
func (s *Scenario) Cases() []Case {
	var cases []Case
	for r := range s.Repeat {
		for _, v := range s.Variants {
			seed := Mix(s.Seed, uint64(r))
			if v.Salt != 0 {
				seed = Mix(seed, v.Salt)
			}
			cases = append(cases, Case{Scenario: s.Name, Variant: v, Repetition: r, Seed: seed})
		}
	}
	return cases
}

// Weather compiles the faults of the case.
func (c *Case) Weather() *Weather { return NewWeather(c.Seed, c.Variant.Faults) }
