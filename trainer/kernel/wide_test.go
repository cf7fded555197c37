package kernel

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	function = regexp.MustCompile(`(?s)TEXT ·(\w+)(256|512)\(SB\)[^\n]*\n(.*?\n)\tRET`)
	wideReg  = regexp.MustCompile(`\bZ(\d+)`)
	halving  = regexp.MustCompile(`\tVEXTRACTF64X4[^\n]*\n\t\w+ Y[^\n]*\n`) // the AVX-512 sum's first step
	stride   = regexp.MustCompile(`(\d+)\((\w+)\)\(AX\*1\)|ADDQ \$(\d+), AX|ANDQ \$-(\d+), DX`)
)

// TestWideKernelsAlike: the AVX-512 row kernels are the AVX2 ones with registers of twice the width, instruction by instruction. So what the tests find
// on a machine with AVX2 holds for both.
func TestWideKernelsAlike(t *testing.T) {
	text, err := os.ReadFile("vec_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, f := range function.FindAllStringSubmatch(string(text), -1) {
		bodies[f[1]+f[2]] = f[3]
	}
	half := func(s string) string {
		digits := regexp.MustCompile(`\d+`).FindString(s)
		n, err := strconv.Atoi(digits)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Replace(s, digits, strconv.Itoa(n/2), 1)
	}
	checked := 0
	for name, narrow := range bodies {
		base, ok := strings.CutSuffix(name, "256")
		if !ok {
			continue
		}
		wide := wideReg.ReplaceAllString(bodies[base+"512"], "Y$1")
		wide = halving.ReplaceAllString(strings.ReplaceAll(wide, "VPXORQ", "VXORPS"), "")
		wide = stride.ReplaceAllStringFunc(wide, half)
		if wide != narrow {
			t.Errorf("%s differs in more than its width", base)
		}
		checked++
	}
	if checked < 30 {
		t.Errorf("%d kernels found", checked)
	}
}
