"""Studies: experiments of several runs, described by one YAML file, with one page and one results.json.

A study trains the runs it describes, measures them by one protocol, and draws tables and figures from them.
`compare` and `sweep` make the same kind of page without a file. The command line imports this package; this
package imports `runs` and everything below it.

- `run_study.study`, `sweep.sweep`, `compare.compare`: run a study, a grid of values, or compare existing runs
- `library.load_study`, `schema.Study`: read and validate a study
- `results.StudyResults`: what blocks read
- `blocks`: the kinds of tables and figures; `page.write_page`: the page
"""
