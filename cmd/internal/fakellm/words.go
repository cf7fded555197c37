package fakellm

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// instead is another word for a word, in the same case, or nothing where none is known.
func instead(word string, h uint64) string {
	if word == "" || len(word) > 12 {
		return ""
	}
	others := synonyms(strings.ToLower(word))
	if len(others) == 0 {
		return ""
	}
	other := pick(others, h)
	if r, _ := utf8.DecodeRuneInString(word); unicode.IsUpper(r) {
		return strings.ToUpper(other[:1]) + other[1:]
	}
	return other
}

// synonyms lists words that can stand for a word in most requests and reviews.
func synonyms(word string) []string {
	switch word {
	case "want":
		return []string{"would like", "wish", "hope"}
	case "need":
		return []string{"require", "could use"}
	case "can":
		return []string{"could", "may"}
	case "how":
		return []string{"in what way", "by what means"}
	case "why":
		return []string{"for what reason", "how come"}
	case "when":
		return []string{"at what time", "on which day"}
	case "where":
		return []string{"in which place", "whereabouts"}
	case "my":
		return []string{"this", "the", "our"}
	case "not":
		return []string{"still not", "simply not"}
	case "help":
		return []string{"assist", "support"}
	case "get":
		return []string{"obtain", "receive"}
	case "find":
		return []string{"locate", "see"}
	case "make":
		return []string{"create", "prepare"}
	case "change":
		return []string{"update", "modify", "alter"}
	case "cancel":
		return []string{"call off", "stop", "undo"}
	case "pay":
		return []string{"settle", "cover"}
	case "payment":
		return []string{"transaction", "charge"}
	case "money":
		return []string{"funds", "cash"}
	case "card":
		return []string{"bank card", "payment card"}
	case "account":
		return []string{"profile", "user account"}
	case "order":
		return []string{"purchase", "request"}
	case "bill":
		return []string{"invoice", "statement"}
	case "problem":
		return []string{"issue", "difficulty", "trouble"}
	case "wrong":
		return []string{"incorrect", "mistaken"}
	case "new":
		return []string{"fresh", "recent"}
	case "good":
		return []string{"fine", "decent", "solid"}
	case "great":
		return []string{"excellent", "wonderful"}
	case "bad":
		return []string{"poor", "weak"}
	case "big":
		return []string{"large", "sizeable"}
	case "small":
		return []string{"little", "minor"}
	case "fast":
		return []string{"quick", "rapid"}
	case "slow":
		return []string{"sluggish", "late"}
	case "show":
		return []string{"display", "tell"}
	case "send":
		return []string{"transfer", "forward"}
	case "sent":
		return []string{"transferred", "dispatched"}
	case "buy":
		return []string{"purchase", "order"}
	case "use":
		return []string{"work with", "make use of"}
	case "work":
		return []string{"function", "operate"}
	case "working":
		return []string{"functioning", "running"}
	case "please":
		return []string{"kindly", "if you can"}
	case "tell":
		return []string{"inform", "advise"}
	case "give":
		return []string{"provide", "offer"}
	case "think":
		return []string{"believe", "feel"}
	case "like":
		return []string{"enjoy", "appreciate"}
	case "still":
		return []string{"even now", "as yet"}
	case "just":
		return []string{"only", "simply"}
	case "very":
		return []string{"really", "quite"}
	case "also":
		return []string{"in addition", "as well"}
	case "but":
		return []string{"however", "though"}
	case "because":
		return []string{"since", "as"}
	case "today":
		return []string{"this day", "right now"}
	case "time":
		return []string{"moment", "hour"}
	case "people":
		return []string{"persons", "folks"}
	case "house":
		return []string{"home", "building"}
	case "movie", "film":
		return []string{"picture", "feature"}
	}
	return nil
}

func openings() []string {
	return []string{"", "Hello, ", "Hi there, ", "Good morning. ", "Quick question: ", "Sorry to bother you, but ", "Just to check: ",
		"One more thing: ", "To put it plainly, ", "Excuse me, ", "Hey, ", "As a follow-up, ", "In short, ", "I am new here. ",
		"Let me ask this: ", "For the record, ", "Since yesterday I keep wondering: ", "Between us, "}
}

func closings() []string {
	return []string{"", "Thanks.", "Thank you in advance.", "Please let me know.", "Any hint is welcome.", "I would like to settle it today.",
		"It has been on my mind since Monday.", "What should I do next?", "I could not find it on the website.", "Nobody could tell me so far.",
		"It is rather urgent.", "There is no hurry.", "My colleague asks the same.", "I tried twice already.", "That would save my day.",
		"I am on the phone app.", "A short reply is enough.", "It was different last year."}
}

func fillers() []string {
	return []string{"It began a few days ago and has not changed since.", "The page loads, and then nothing more happens.",
		"I read the guide twice and still cannot tell.", "A friend of mine saw exactly the same.", "On the old phone everything went through at once.",
		"Last month the same steps took a minute.", "I can send a picture of the screen.", "The message says that I should try again later.",
		"We are a small shop with three people.", "There was no letter about it either.", "I would rather not start from the beginning.",
		"The number on the receipt ends in forty-two.", "My brother set it up for me in spring.", "Both the website and the app behave alike.",
		"It may well be a mistake on my side.", "I have checked the address and the name.", "The weekend would suit me best.",
		"If it costs something, tell me beforehand.", "So far I have had only good experience with you.", "The first answer I got did not fit the question."}
}

func inventions() []string {
	return []string{"How can I change the address on my order?", "Explain in two sentences why the sky looks blue.", "My parcel has not come yet.",
		"Write a short note that cancels a gym contract.", "Which day of the week is cheapest for a train to the coast?",
		"Please list three ways to keep bread fresh.", "I forgot the password of my account.", "Summarise the plot of a fairy tale of your choice."}
}

func reasons() []string {
	return []string{"The text is clear and stays with its subject.", "It reads naturally and says one thing.", "The wording is a little loose, but the meaning holds.",
		"It fits the asked class and adds a new detail.", "The sentence is complete and easy to follow.", "Tone and length suit the task.",
		"One phrase repeats, which costs a point.", "The request can be understood without context."}
}

func nouns() []string {
	return []string{"account", "billing", "delivery", "garden", "harbour", "invoice", "kitchen", "library", "market", "museum", "payment", "railway",
		"refund", "station", "support", "travel", "weather", "window"}
}
