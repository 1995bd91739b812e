package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// Compare holds the result in one folder against that in another, the base. It
// says what of the two was asked differently, and leaves it to the caller what
// to make of that. Errors name the file that is missing, damaged or of another
// format, or say that the two have nothing in common.
func Compare(base, other string) (*measure.Contrast, error) {
	was, before, err := readRuns(base)
	if err != nil {
		return nil, err
	}
	is, after, err := readRuns(other)
	if err != nil {
		return nil, err
	}
	c, err := measure.Contrasted(is.question(), before, after)
	if err != nil {
		return nil, err
	}
	if len(c.Comparisons) == 0 {
		return nil, fmt.Errorf("compare %s with %s: they have no variant in common that was run in the same world", base, other)
	}
	c.Base.Dir, c.Other.Dir = base, other
	c.Base.Machine, c.Other.Machine = provenance(before), provenance(after)
	c.Unlike, c.Elsewhere = unlike(was, is), elsewhere(before, after)
	c.Left = left(base, was, is)
	c.Left = append(c.Left, left(other, is, was)...)
	return c, nil
}

func readRuns(dir string) (*Plan, []*measure.Run, error) {
	plan, store, err := openPlan(dir)
	if err != nil {
		return nil, nil, err
	}
	runs, err := store.Runs()
	if err == nil {
		err = plan.check(store, runs)
	}
	return plan, slices.DeleteFunc(runs, func(r *measure.Run) bool { return r.Spoiled }), err
}

// provenance is that of the live runs, if there are any.
func provenance(runs []*measure.Run) measure.Provenance {
	var p measure.Provenance
	for _, r := range runs {
		if r.World == "live" {
			calibration := p.Calibration
			p = r.Machine
			p.Calibration = max(calibration, p.Calibration)
		} else if p.Calibration = r.Machine.Calibration; p.Version == "" {
			p.Version = r.Machine.Version
		}
	}
	return p
}

// unlike is what the plans ask differently of the variants that both have.
func unlike(was, is *Plan) []string {
	var all []string
	if a, b := was.Scenario, is.Scenario; a.Name != b.Name {
		all = append(all, fmt.Sprintf("they are of two scenarios, %s and %s", a.Name, b.Name))
	} else if a.JudgeBy != b.JudgeBy {
		all = append(all, fmt.Sprintf("one is judged by %s, the other by %s", a.JudgeBy, b.JudgeBy))
	}
	for _, v := range is.Scenario.Variants {
		i := slices.IndexFunc(was.Scenario.Variants, func(w scenarios.Variant) bool { return w.Name == v.Name })
		if i < 0 {
			continue
		}
		if parts := partsUnlike(&was.Scenario.Variants[i], &v); len(parts) > 0 {
			all = append(all, fmt.Sprintf("%s: another %s", v.Name, strings.Join(parts, ", another ")))
		}
	}
	return all
}

// partsUnlike names what sets two variants apart.
func partsUnlike(a, b *scenarios.Variant) []string {
	var parts []string
	for _, p := range []struct {
		name   string
		of, to any
	}{
		{"system", a.Topology, b.Topology}, {"load", a.Load, b.Load}, {"weather", a.Faults, b.Faults},
		{"warm-up", a.Warmup, b.Warmup}, {"timeout", a.Timeout, b.Timeout}, {"deadline", a.Deadline, b.Deadline},
	} {
		if !sameText(p.of, p.to) {
			parts = append(parts, p.name)
		}
	}
	return parts
}

func sameText(a, b any) bool {
	x, err := json.Marshal(a)
	y, wrong := json.Marshal(b)
	return err == nil && wrong == nil && bytes.Equal(x, y)
}

// elsewhere is what of program and machine is not the same, as far as figures
// depend on it.
func elsewhere(before, after []*measure.Run) []string {
	a, b := provenance(before), provenance(after)
	var all []string
	for _, p := range []struct{ name, was, is string }{
		{"version", a.Version, b.Version}, {"Go", a.Go, b.Go}, {"system", a.System, b.System}, {"processor", a.CPU, b.CPU},
		{"cores", fmt.Sprint(a.Cores), fmt.Sprint(b.Cores)}, {"calibration", a.Calibration, b.Calibration},
	} {
		if p.was != p.is && p.was != "" && p.is != "" && p.was != "0" && p.is != "0" {
			all = append(all, fmt.Sprintf("%s: %s, then %s", p.name, p.was, p.is))
		}
	}
	return all
}

// left is what a plan has and the other does not.
func left(dir string, plan, other *Plan) []string {
	var all []string
	for _, w := range plan.Worlds {
		if !slices.Contains(other.Worlds, w) {
			all = append(all, fmt.Sprintf("the world %s is in %s alone", w, dir))
		}
	}
	for _, v := range plan.Scenario.Variants {
		if !slices.ContainsFunc(other.Scenario.Variants, func(o scenarios.Variant) bool { return o.Name == v.Name }) {
			all = append(all, fmt.Sprintf("the variant %s is in %s alone", v.Name, dir))
		}
	}
	return all
}
