package trainer

import (
	"time"

	"sluice/trainer/usage"
)

// energy is what a run has used up; checkpoints carry it on.
type energy struct {
	Joules  float64       `json:"joules"`
	CPU     time.Duration `json:"cpu"`
	Wall    time.Duration `json:"wall"`
	Counted bool          `json:"counted,omitempty"` // by the CPU's own counters, at least in part
}

// A meter estimates energy: by the counters of the CPU where they can be read, else by load: power = max(load, 0.1)·threads·watts per thread, the rule
// and the 4 W of CodeCarbon (github.com/mlco2/codecarbon, "methodology") for a CPU that it does not know; memory is extra. Such figures are good to a tenth
// at best.
type meter struct {
	c       Cost
	threads int
	before  energy
	start   time.Time
	cpu     time.Duration
	rapl    float64
	counted bool
}

func newMeter(c Cost, threads int) *meter {
	m := &meter{c: c, threads: threads, start: time.Now(), cpu: usage.CPU()}
	m.rapl, m.counted = raplJoules()
	return m
}

// add takes over what earlier parts of the run have used.
func (m *meter) add(e energy) { m.before = e }

func (m *meter) read() energy {
	wall, cpu := time.Since(m.start), usage.CPU()-m.cpu
	e := energy{CPU: m.before.CPU + cpu, Wall: m.before.Wall + wall, Counted: m.before.Counted}
	now, ok := raplJoules()
	if ok && m.counted && now >= m.rapl { // the counter wraps around once in a while
		e.Joules, e.Counted = now-m.rapl, true
	} else {
		load := max(cpu.Seconds(), .1*wall.Seconds()*float64(m.threads))
		e.Joules = m.c.WattsPerThread * load
	}
	e.Joules += m.c.MemoryWatts*wall.Seconds() + m.before.Joules
	return e
}

// A Bill is energy in units that people pay in.
type Bill struct {
	KWh     float64 `json:"kwh"`
	Grams   float64 `json:"grams_co2e"`
	Price   float64 `json:"price,omitzero"`
	Counted bool    `json:"counted"` // measured by the CPU, not estimated from its load
}

// and is a bill for both.
func (b Bill) and(c Bill) Bill {
	return Bill{b.KWh + c.KWh, b.Grams + c.Grams, b.Price + c.Price, b.Counted && c.Counted}
}

func (c Cost) bill(e energy) Bill {
	kwh := e.Joules / 3.6e6 * max(1, c.PUE)
	return Bill{kwh, kwh * c.GramsPerKWh, c.PricePerHour * e.Wall.Hours(), e.Counted}
}
