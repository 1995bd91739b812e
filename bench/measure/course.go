package measure

import (
	"time"
)

// Course is what a place, or all replicas of a node together, were like over
// time: as read at the end of each Tick of a run, from its beginning. Of a
// process that stands still it is told what it is like when it goes on.
type Course struct {
	Place       string `json:",omitempty"` // or a node's name
	Connections Series `json:",omitzero"`  // of its callers that stand, idle ones too
	InFlight    Series `json:",omitzero"`  // requests that it has in hand
	Queue       Series `json:",omitzero"`  // those of them that wait for a worker, for their turn or for a connection
	CPU         Series `json:",omitzero"`  // thousandths of a processor that it used; nil in the simulator
	Memory      Series `json:",omitzero"`  // resident KiB; nil in the simulator
}

// MostCourses bounds the courses of a run: where there are more places, those
// of a node are added up.
const MostCourses = 64

// CourseNames tells whose course that of each place is part of.
func CourseNames(places []string) (of map[string]string) {
	of = make(map[string]string, len(places))
	for _, place := range places {
		of[place] = place
		if len(places) > MostCourses {
			of[place] = nodeName(place)
		}
	}
	return of
}

// Courses are those that a run keeps of its places', in their order.
func Courses(all []Course) (kept []Course) {
	places := make([]string, len(all))
	for i, c := range all {
		places[i] = c.Place
	}
	names, at := CourseNames(places), map[string]int{}
	for _, c := range all {
		name := names[c.Place]
		i, seen := at[name]
		if !seen {
			i = len(kept)
			at[name], kept = i, append(kept, Course{Place: name})
		}
		kept[i] = kept[i].Plus(c)
	}
	return kept
}

// Plus adds what another was like at the same time: another place, or another
// life of the process.
func (c Course) Plus(other Course) Course {
	return Course{
		Place:       c.Place,
		Connections: c.Connections.Plus(other.Connections),
		InFlight:    c.InFlight.Plus(other.InFlight),
		Queue:       c.Queue.Plus(other.Queue),
		CPU:         c.CPU.Plus(other.CPU),
		Memory:      c.Memory.Plus(other.Memory),
	}
}

// CourseSummary is a course in the mean of repetitions, in so many equal spans
// of the run: one for each tick, or for several where there are more than
// mostSpans.
type CourseSummary struct {
	Place       string
	Span        time.Duration
	Connections []float64
	InFlight    []float64
	Queue       []float64
	CPU         []float64 `json:",omitempty"` // processors used; nil in the simulator
	Memory      []float64 `json:",omitempty"` // bytes; nil in the simulator
}

// mostSpans is as many as a chart can show.
const mostSpans = 60

// coursesOf sums up those of repetitions, in the order of the first.
func coursesOf(tallies []*Tally) (all []CourseSummary) {
	first := tallies[0].Run
	ticks := Ticks(first.Duration)
	each := max(1, (ticks+mostSpans-1)/mostSpans)
	for i, c := range first.Courses {
		s := CourseSummary{Place: c.Place, Span: time.Duration(each) * Tick(first.Duration)}
		mean := func(of func(*Course) Series, unit float64) (values []float64) {
			if of(&c) == nil {
				return nil
			}
			values = make([]float64, (ticks+each-1)/each)
			for k := range values {
				from, to := k*each, min((k+1)*each, ticks)
				n := 0
				for _, t := range tallies {
					if i < len(t.Run.Courses) && t.Run.Courses[i].Place == c.Place {
						values[k] += float64(of(&t.Run.Courses[i]).sum(from, to))
						n += to - from
					}
				}
				values[k] *= unit / float64(n)
			}
			return values
		}
		s.Connections = mean(func(c *Course) Series { return c.Connections }, 1)
		s.InFlight = mean(func(c *Course) Series { return c.InFlight }, 1)
		s.Queue = mean(func(c *Course) Series { return c.Queue }, 1)
		s.CPU = mean(func(c *Course) Series { return c.CPU }, 1e-3)
		s.Memory = mean(func(c *Course) Series { return c.Memory }, 1<<10)
		all = append(all, s)
	}
	return all
}
