// Command gitops says of an object what the tools of GitOps say of it, with their own code: kstatus, the health, the actions
// and the diff of Argo CD. Its argument names the question; a JSON array of cases is read from standard input, and a JSON
// array with the answer to each is written to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var questions = map[string]func(json.RawMessage) (any, error){
	"kstatus": answer(kstatus),
	"health":  answer(health),
	"actions": answer(actions),
	"act":     answer(act),
	"diff":    answer(difference),
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 || questions[arguments[0]] == nil {
		return fmt.Errorf("say what is asked: kstatus, health, actions, act or diff")
	}
	var cases []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		return err
	}
	answers := make([]any, len(cases))
	for number, each := range cases {
		found, err := questions[arguments[0]](each)
		if err != nil {
			return fmt.Errorf("case %d: %w", number, err)
		}
		answers[number] = found
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// answer reads a case of one question's own kind.
func answer[Case any](question func(Case) (any, error)) func(json.RawMessage) (any, error) {
	return func(text json.RawMessage) (any, error) {
		var read Case
		if err := json.Unmarshal(text, &read); err != nil {
			return nil, err
		}
		return question(read)
	}
}
