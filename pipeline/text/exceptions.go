package text

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// exception returns 0 for a string that the general rules of [Words] cut, its length if it is one word against them (Mr., a.m.), or
// the length of its first part if it is two (can't: 2).
func exception(s string) int {
	if len(s) < 2 || len(s) > maxException || exceptionEnds()[s[0]][0]&exceptionEnds()[s[len(s)-1]][1]>>len(s)&1 == 0 {
		return 0
	}
	return exceptions()[s]
}

const maxException = 12

// exceptionEnds tells, for a byte, the lengths of the exceptions that begin and that end with it, one bit each: most words are
// known to be none without a look at the map.
var exceptionEnds = sync.OnceValue(func() *[256][2]uint16 {
	var t [256][2]uint16
	for w := range exceptions() {
		if len(w) <= maxException {
			t[w[0]][0] |= 1 << len(w)
			t[w[len(w)-1]][1] |= 1 << len(w)
		}
	}
	return &t
})

// exceptions are those of the English tokenizer of spaCy 3 (lang/en/tokenizer_exceptions.py) that make one word or two.
var exceptions = sync.OnceValue(func() map[string]int {
	all := make(map[string]int, 2000)
	add := func(first, second string) {
		for _, w := range []string{first, title(first)} {
			for _, tail := range []string{second, strings.ReplaceAll(second, "'", "’")} {
				all[w+tail] = len(w)
			}
		}
	}
	pair := func(first, ending string) { // with the mark and without
		add(first, "'"+ending)
		add(first, ending)
	}
	for _, p := range strings.Fields("i you he she it we they") {
		pair(p, "ll")
		pair(p, "d")
	}
	for _, p := range strings.Fields("i you we they") {
		pair(p, "ve")
	}
	for _, p := range strings.Fields("you we they") {
		pair(p, "re")
	}
	for _, p := range strings.Fields("he she it") {
		pair(p, "s")
	}
	pair("i", "m")
	for _, q := range strings.Fields("who what when where why how there that this") {
		for _, e := range strings.Fields("s ll re ve d") {
			pair(q, e)
		}
	}
	for _, v := range strings.Fields("ca could do does did had may might must need ought sha should wo would is are was were have has dare ai") {
		add(v, "n't")
		add(v, "nt")
	}
	for _, w := range strings.Fields("can+not gon+na got+ta let+'s y'+all d'+ye whats+up") {
		first, second, _ := strings.Cut(w, "+")
		add(first, second)
	}
	for _, w := range strings.Fields("ill its hell shell shed were well whore") { // words that only look like contractions
		delete(all, w)
		delete(all, title(w))
	}
	for _, w := range strings.Fields("'d a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. " +
		"Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. " +
		"Ill. Ind. Kan. Kans. Ky. La. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash. " +
		"Wis. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. 'em o'clock ma'am o.o C++ 'Cause 'cause 'Cos 'cos 'Coz 'coz 'Cuz 'cuz " +
		"'bout 'nuff ol' Ol' nothin' Nothin' nuthin' goin' Goin' doin' Doin' havin' Havin' lovin' Lovin' somethin' Somethin' " + faces) {
		all[w] = len(w)
	}
	for c := 'a'; c <= 'z'; c++ {
		all[string(c)+"."] = 2
	}
	for h := 1; h <= 12; h++ {
		for _, half := range []string{"am", "pm", "a.m.", "p.m."} {
			n := string("0123456789"[h%10])
			if h > 9 {
				n = "1" + n
			}
			all[n+half] = len(n)
		}
	}
	return all
})

func title(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// faces are the exceptions made of marks.
const faces = `'' \n \t \") :) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; ` +
	`:( :-( :(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o :0 :-0 :() ` +
	`>:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V ` +
	`v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 <333 </3 (^_^) (-_-) (._.) (>_<) (*_*)`

// joins reports whether words that lie side by side make one after all, such as ) and : or d and its dot.
func joins(s string) bool {
	if len(s) > 5 || exception(s) != len(s) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf && (asciiMark[c] || c == '.' || c == '=') {
			return true
		}
	}
	return false
}
