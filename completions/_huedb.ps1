
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'huedb' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'huedb'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'huedb' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a collection, and the file when there is none')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the collections of the file')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything known about a collection')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Remove a collection with all its records')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a record')
            [CompletionResult]::new('update', 'update', [CompletionResultType]::ParameterValue, 'Change a record')
            [CompletionResult]::new('upsert', 'upsert', [CompletionResultType]::ParameterValue, 'Add a record, or change it when it exists')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Print records, in the order they were inserted')
            [CompletionResult]::new('peek', 'peek', [CompletionResultType]::ParameterValue, 'Print the first records with their embeddings')
            [CompletionResult]::new('count', 'count', [CompletionResultType]::ParameterValue, 'Print the number of records')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete records')
            [CompletionResult]::new('query', 'query', [CompletionResultType]::ParameterValue, 'Find the records nearest to a question')
            [CompletionResult]::new('search', 'search', [CompletionResultType]::ParameterValue, 'Answer a request of Chroma''s Search API')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Read many records from files, folders or standard input')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print all records of a collection with their embeddings')
            [CompletionResult]::new('index', 'index', [CompletionResultType]::ParameterValue, 'Build, show or drop the graph index of a collection')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Show facts about the file and about this program')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Look for damage in the file')
            [CompletionResult]::new('compact', 'compact', [CompletionResultType]::ParameterValue, 'Give free space back, and make deleted text unreadable')
            [CompletionResult]::new('embed', 'embed', [CompletionResultType]::ParameterValue, 'Print the embeddings of texts')
            [CompletionResult]::new('model', 'model', [CompletionResultType]::ParameterValue, 'List, add, verify and remove embedding models')
            [CompletionResult]::new('setup', 'setup', [CompletionResultType]::ParameterValue, 'Install ONNX Runtime, which embeds several times faster than the engine inside this program')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, for `man -l -`')
            break
        }
        'huedb;create' {
            [CompletionResult]::new('--space', '--space', [CompletionResultType]::ParameterName, 'Distance: cosine, l2 (squared) or ip (inner product)')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Model that embeds its texts: a name from `huedb model list` or a folder')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Its metadata, a JSON object')
            [CompletionResult]::new('--index', '--index', [CompletionResultType]::ParameterName, 'When the graph index is built: by itself from 4,000,000 records on, at every import, or only when asked for')
            [CompletionResult]::new('--ef-construction', '--ef-construction', [CompletionResultType]::ParameterName, 'Candidates kept while the graph is built')
            [CompletionResult]::new('--ef-search', '--ef-search', [CompletionResultType]::ParameterName, 'Candidates kept while the graph is searched')
            [CompletionResult]::new('--max-neighbors', '--max-neighbors', [CompletionResultType]::ParameterName, 'Edges of a vector in the graph')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--no-model', '--no-model', [CompletionResultType]::ParameterName, 'No model: embeddings are always given')
            [CompletionResult]::new('--get-or-create', '--get-or-create', [CompletionResultType]::ParameterName, 'Do nothing when the collection exists')
            [CompletionResult]::new('--hybrid', '--hybrid', [CompletionResultType]::ParameterName, 'Index the words of its documents as well, for `query --hybrid`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;list' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;show' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;drop' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;add' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id')
            [CompletionResult]::new('--document', '--document', [CompletionResultType]::ParameterName, 'Its text; `-` reads it from standard input')
            [CompletionResult]::new('--embedding', '--embedding', [CompletionResultType]::ParameterName, 'Its embedding, a JSON array of numbers; without one the text is embedded')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Its metadata, a JSON object')
            [CompletionResult]::new('--uri', '--uri', [CompletionResultType]::ParameterName, 'Where its content lives')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Refuse to embed with another model than this')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;update' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id')
            [CompletionResult]::new('--document', '--document', [CompletionResultType]::ParameterName, 'Its text; `-` reads it from standard input')
            [CompletionResult]::new('--embedding', '--embedding', [CompletionResultType]::ParameterName, 'Its embedding, a JSON array of numbers; without one the text is embedded')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Its metadata, a JSON object')
            [CompletionResult]::new('--uri', '--uri', [CompletionResultType]::ParameterName, 'Where its content lives')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Refuse to embed with another model than this')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;upsert' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Its id')
            [CompletionResult]::new('--document', '--document', [CompletionResultType]::ParameterName, 'Its text; `-` reads it from standard input')
            [CompletionResult]::new('--embedding', '--embedding', [CompletionResultType]::ParameterName, 'Its embedding, a JSON array of numbers; without one the text is embedded')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Its metadata, a JSON object')
            [CompletionResult]::new('--uri', '--uri', [CompletionResultType]::ParameterName, 'Where its content lives')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Refuse to embed with another model than this')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;get' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the record of this id; may be repeated')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only records whose metadata passes: Chroma''s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated')
            [CompletionResult]::new('--where-document', '--where-document', [CompletionResultType]::ParameterName, 'Only records whose document holds this text, or passes Chroma''s JSON; may be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'At the most this many')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At the most this many')
            [CompletionResult]::new('--offset', '--offset', [CompletionResultType]::ParameterName, 'Leave out this many at the start')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Parts to print')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;peek' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'At the most this many')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At the most this many')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;count' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the record of this id; may be repeated')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only records whose metadata passes: Chroma''s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated')
            [CompletionResult]::new('--where-document', '--where-document', [CompletionResultType]::ParameterName, 'Only records whose document holds this text, or passes Chroma''s JSON; may be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;delete' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the record of this id; may be repeated')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only records whose metadata passes: Chroma''s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated')
            [CompletionResult]::new('--where-document', '--where-document', [CompletionResultType]::ParameterName, 'Only records whose document holds this text, or passes Chroma''s JSON; may be repeated')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'At the most this many, in the order they were inserted')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'At the most this many, in the order they were inserted')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;query' {
            [CompletionResult]::new('--embedding', '--embedding', [CompletionResultType]::ParameterName, 'The question as an embedding, a JSON array of numbers')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'A file of questions, `-` for standard input: jsonl, json or csv with text or embedding, or one a line')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'A file of questions, `-` for standard input: jsonl, json or csv with text or embedding, or one a line')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Hits for each question')
            [CompletionResult]::new('--n', '--n', [CompletionResultType]::ParameterName, 'Hits for each question')
            [CompletionResult]::new('--offset', '--offset', [CompletionResultType]::ParameterName, 'Leave out this many of the nearest')
            [CompletionResult]::new('--max-distance', '--max-distance', [CompletionResultType]::ParameterName, 'Leave out hits farther than this')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the record of this id; may be repeated')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only records whose metadata passes: Chroma''s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated')
            [CompletionResult]::new('--where-document', '--where-document', [CompletionResultType]::ParameterName, 'Only records whose document holds this text, or passes Chroma''s JSON; may be repeated')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Parts to print')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Refuse to embed with another model than this')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--exact', '--exact', [CompletionResultType]::ParameterName, 'Rank every record by its embedding as given, without an index')
            [CompletionResult]::new('--hybrid', '--hybrid', [CompletionResultType]::ParameterName, 'Rank by meaning and by words, fused by reciprocal rank; needs an index of the words')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Say on standard error which way the search took, why, and how long')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;search' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'The request: JSON, `@FILE`, or `-` for standard input')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;import' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Column of the id; `auto` makes ids from the content [default: id]')
            [CompletionResult]::new('--document', '--document', [CompletionResultType]::ParameterName, 'Column of the text [default: document]')
            [CompletionResult]::new('--embedding', '--embedding', [CompletionResultType]::ParameterName, 'Column of the embedding [default: embedding]')
            [CompletionResult]::new('--uri', '--uri', [CompletionResultType]::ParameterName, 'Column of the uri [default: uri]')
            [CompletionResult]::new('--metadata', '--metadata', [CompletionResultType]::ParameterName, 'Columns that become metadata [default: all others]')
            [CompletionResult]::new('--types', '--types', [CompletionResultType]::ParameterName, 'Types of metadata columns, as in year:int,zip:str [default: inferred]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Format of the sources [default: from their names or first bytes]')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'What happens to ids: add leaves existing ones alone, update leaves new ones out, upsert does both')
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What happens at a bad row')
            [CompletionResult]::new('--batch-size', '--batch-size', [CompletionResultType]::ParameterName, 'Rows stored in one transaction [default: 256 to embed, else 8192]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Refuse to embed with another model than this')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;export' {
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Only the record of this id; may be repeated')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only records whose metadata passes: Chroma''s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated')
            [CompletionResult]::new('--where-document', '--where-document', [CompletionResultType]::ParameterName, 'Only records whose document holds this text, or passes Chroma''s JSON; may be repeated')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--no-embeddings', '--no-embeddings', [CompletionResultType]::ParameterName, 'Leave the embeddings out')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;index' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build the graph, or bring the one there is up to date')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show what is known of the graph, and whether it is whole')
            [CompletionResult]::new('drop', 'drop', [CompletionResultType]::ParameterValue, 'Remove the graph')
            break
        }
        'huedb;index;build' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--hybrid', '--hybrid', [CompletionResultType]::ParameterName, 'Index the words of its documents instead, for `query --hybrid`; records added later are indexed too')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;index;show' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;index;drop' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--hybrid', '--hybrid', [CompletionResultType]::ParameterName, 'Remove the index of the words of its documents instead')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;info' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;check' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--deep', '--deep', [CompletionResultType]::ParameterName, 'Read every page and every record, and compute again what is derived')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;compact' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;embed' {
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model: a name from `huedb model list` or a folder')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('--question', '--question', [CompletionResultType]::ParameterName, 'Embed as questions; some models treat them differently')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;model' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the models there are')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Install a sentence-embedding model from a folder')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Compare a model''s file with its checksum')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove an installed model')
            break
        }
        'huedb;model;list' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;model;add' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The name it is to have [default: the folder''s]')
            [CompletionResult]::new('--pooling', '--pooling', [CompletionResultType]::ParameterName, 'How token vectors become one')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Tokens read from a text')
            [CompletionResult]::new('--query-prefix', '--query-prefix', [CompletionResultType]::ParameterName, 'Put before a question, as in "query: "')
            [CompletionResult]::new('--document-prefix', '--document-prefix', [CompletionResultType]::ParameterName, 'Put before a document, as in "passage: "')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;model;verify' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;model;remove' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;setup' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'A wheel, a shared library, or a folder with one of these, instead of pip')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'huedb;completions' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'huedb;man' {
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('--db', '--db', [CompletionResultType]::ParameterName, 'The database file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write results [default: table on a terminal, jsonl elsewhere]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--busy-timeout', '--busy-timeout', [CompletionResultType]::ParameterName, 'Seconds to wait for another process to release the file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but warnings and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
