package scenarios

// Cases lists every run that the scenario stands for: repetition by
// repetition, and in each all variants in turn, so that what drifts on the
// machine meets all variants alike. All variants of a repetition have the same
// seed.
func (s *Scenario) Cases() []Case {
	var cases []Case
	for r := range s.Repeat {
		for _, v := range s.Variants {
			cases = append(cases, Case{
				Scenario: s.Name, Variant: v, Repetition: r,
				Seed: Mix(s.Seed, uint64(r)),
			})
		}
	}
	return cases
}

// Weather compiles the faults of the case.
func (c *Case) Weather() *Weather { return NewWeather(c.Seed, c.Variant.Faults) }
