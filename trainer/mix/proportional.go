package mix

// Proportional gives every domain a share in proportion to its examples: as if all were one dataset.
type Proportional struct {
	Deal `yaml:"-"`
}

// Open implements [Opener].
func (p *Proportional) Open(env Env) error {
	p.Set(powers(env, 1), env)
	return nil
}
