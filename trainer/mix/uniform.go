package mix

// Uniform gives every domain the same share, in turn: stratified, not drawn.
type Uniform struct {
	Deal `yaml:"-"`
}

// Open implements [Opener].
func (u *Uniform) Open(env Env) error {
	w := make([]float64, len(env.Domains))
	for i := range w {
		w[i] = 1
	}
	u.Set(w, env)
	return nil
}
