package measure

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCoursesInTheMeanOfRepetitions(t *testing.T) {
	run := func(repetition int, queue, cpu Series) *Tally {
		return &Tally{Run: &Run{Repetition: repetition, Duration: 400 * ms, Courses: []Course{{Place: "api", Queue: queue, CPU: cpu}}}}
	}
	all := coursesOf([]*Tally{run(0, Series{2, 4}, Series{500}), run(1, Series{0, 0, 3, 1}, Series{1500, 100})})
	require.Equal(t, []CourseSummary{{Place: "api", Span: 100 * ms, Queue: []float64{1, 2, 1.5, .5}, CPU: []float64{1, .05, 0, 0}}}, all,
		"a series ends where it is nought to the end")

	long := &Run{Duration: 100 * time.Second, Courses: []Course{{Queue: make(Series, 1000)}}}
	for i := range long.Courses[0].Queue {
		long.Courses[0].Queue[i] = uint32(i)
	}
	s := coursesOf([]*Tally{{Run: long}})[0]
	require.Len(t, s.Queue, 59)
	require.Equal(t, 1700*ms, s.Span)
	require.InDelta(t, 8, s.Queue[0], 1e-9, "0 to 16")
	require.InDelta(t, 992.5, s.Queue[58], 1e-9, "986 to 999: the last is shorter")
}

// What a run keeps is bounded, in whatever number of places.
func TestCoursesOfManyPlacesAreOfTiers(t *testing.T) {
	places := func(n int) (all []Course) {
		for i := range n {
			all = append(all, Course{Place: fmt.Sprintf("api[%d]", i), InFlight: Series{1, 2}})
		}
		return append(all, Course{Place: "lb", InFlight: Series{5}})
	}
	few := places(MostCourses - 1)
	require.Equal(t, few, Courses(few))
	many := Courses(places(10_000))
	require.Len(t, many, 2)
	require.Equal(t, Course{Place: "api", InFlight: Series{10_000, 20_000}}, many[0])
	text, err := json.Marshal(many)
	require.NoError(t, err)
	require.Less(t, len(text), 200)
	var back []Course
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, many, back)
}
