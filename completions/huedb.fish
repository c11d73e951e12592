# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_huedb_global_optspecs
    string join \n d/db= tenant= database= key-file= key-command= o/output= color= q/quiet v/verbose timing error-format= busy-timeout= h/help V/version
end

function __fish_huedb_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_huedb_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_huedb_using_subcommand
    set -l cmd (__fish_huedb_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c huedb -n "__fish_huedb_needs_command" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_needs_command" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_needs_command" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_needs_command" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_needs_command" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_needs_command" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_needs_command" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_needs_command" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_needs_command" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_needs_command" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_needs_command" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_needs_command" -s V -l version -d 'Print version'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "create" -d 'Make a collection, and the file when there is none'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "list" -d 'List the collections of the database by name'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "show" -d 'Show everything known about a collection'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "modify" -d 'Change a collection: its name, metadata, search settings or prefixes'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "drop" -d 'Remove a collection with all its records'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "add" -d 'Add a record'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "update" -d 'Change a record'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "upsert" -d 'Add a record, or change it when it exists'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "get" -d 'Print records, in the order they were inserted or sorted by a metadata key'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "peek" -d 'Print the first records with their embeddings'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "count" -d 'Print the number of records'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "delete" -d 'Delete records'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "distinct" -d 'Print the values of a metadata key and how many records hold each'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "keys" -d 'Print the metadata keys: types, records, different values, smallest and largest'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "stats" -d 'Draw how distances, documents and metadata are spread'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "plot" -d 'Draw a map of a collection: its embeddings on a plane, as an SVG for a browser'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "dedupe" -d 'List records that are near-duplicates of others'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "query" -d 'Find the records nearest to a question'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "search" -d 'Answer a request of Chroma\'s Search API'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "import" -d 'Read many records from files, folders or standard input'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "sync" -d 'Keep a collection in step with the text files of a folder'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "export" -d 'Print all records of a collection with their embeddings'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "reembed" -d 'Embed all documents of a collection anew, with another model'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "index" -d 'Build, show or drop the graph index of a collection'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "database" -d 'Make, list and remove databases of a tenant'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "tenant" -d 'Make, list and remove tenants'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "info" -d 'Show facts about the file and about this program'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "check" -d 'Look for damage in the file'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "repair" -d 'Make a damaged file whole again, or save what can be read'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "compact" -d 'Give free space back, and make deleted text unreadable'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "backup" -d 'Copy the database to another file while others use it'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "restore" -d 'Put a backup in the place of the database'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "encrypt" -d 'Encrypt a plain database'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "decrypt" -d 'Make an encrypted database plain'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "rekey" -d 'Change the key of an encrypted database'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "embed" -d 'Print the embeddings of texts'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "model" -d 'List, add, pull, verify and remove embedding models'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "setup" -d 'Install ONNX Runtime, which embeds several times faster than the engine inside this program'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "completions" -d 'Print the completions for a shell'
complete -c huedb -n "__fish_huedb_needs_command" -f -a "man" -d 'Print a manual page, for `man -l -`'
complete -c huedb -n "__fish_huedb_using_subcommand create" -l space -d 'Distance: cosine, l2 (squared) or ip (inner product) [default: cosine]' -r -f -a "cosine\t''
l2\t''
ip\t''"
complete -c huedb -n "__fish_huedb_using_subcommand create" -l model -d 'Model that embeds its texts: a name from `huedb model list` or a folder' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l metadata -d 'Its metadata, a JSON object; Chroma\'s old keys such as hnsw:space are understood' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l index -d 'When the graph index is built: by itself from 4,000,000 records on, at every import, or only when asked for' -r -f -a "auto\t''
hnsw\t''
flat\t''"
complete -c huedb -n "__fish_huedb_using_subcommand create" -l ef-construction -d 'Candidates kept while the graph is built [default: 128]' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l ef-search -d 'Candidates kept while the graph is searched [default: 128]' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l max-neighbors -d 'Edges of a vector in the graph [default: 16]' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l configuration -d 'Chroma\'s configuration, a JSON object such as {"hnsw": {"space": "l2"}}' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand create" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand create" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand create" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand create" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand create" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand create" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand create" -l no-model -d 'No model: embeddings are always given'
complete -c huedb -n "__fish_huedb_using_subcommand create" -l get-or-create -d 'Do nothing when the collection exists'
complete -c huedb -n "__fish_huedb_using_subcommand create" -l hybrid -d 'Index the words of its documents as well, for `query --hybrid`'
complete -c huedb -n "__fish_huedb_using_subcommand create" -l encrypt -d 'Encrypt the file when it is made now; --key-file and --key-command say with which key, else it is asked for'
complete -c huedb -n "__fish_huedb_using_subcommand create" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand create" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand create" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand list" -s n -l limit -d 'At the most this many' -r
complete -c huedb -n "__fish_huedb_using_subcommand list" -l offset -d 'Leave out this many at the start' -r
complete -c huedb -n "__fish_huedb_using_subcommand list" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand list" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand list" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand list" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand list" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand list" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand list" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand list" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand list" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand list" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand list" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand list" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand show" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand show" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand show" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand show" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand show" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand show" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand show" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand show" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand show" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand show" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand show" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l name -d 'Its new name' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l metadata -d 'What replaces its metadata, a JSON object' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l ef-search -d 'Candidates kept while the graph is searched' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l index -d 'When the graph index is built' -r -f -a "auto\t''
hnsw\t''
flat\t''"
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l query-prefix -d 'Text put before every question' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l document-prefix -d 'Text put before every document; only while there are no records, afterwards `huedb reembed` changes it' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l configuration -d 'What changes of Chroma\'s configuration, a JSON object' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand modify" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand modify" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand modify" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand modify" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand modify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand drop" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand add" -l id -d 'Its id' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l document -d 'Its text; `-` reads it from standard input' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l embedding -d 'Its embedding, a JSON array of numbers; without one the text is embedded' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l metadata -d 'Its metadata, a JSON object' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l uri -d 'Where its content lives' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l model -d 'Refuse to embed with another model than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand add" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand add" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand add" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand add" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand add" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand add" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand add" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand add" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand add" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand update" -l id -d 'Its id' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l document -d 'Its text; `-` reads it from standard input' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l embedding -d 'Its embedding, a JSON array of numbers; without one the text is embedded' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l metadata -d 'Its metadata, a JSON object' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l uri -d 'Where its content lives' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l model -d 'Refuse to embed with another model than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand update" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand update" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand update" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand update" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand update" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand update" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand update" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand update" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand update" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l id -d 'Its id' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l document -d 'Its text; `-` reads it from standard input' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l embedding -d 'Its embedding, a JSON array of numbers; without one the text is embedded' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l metadata -d 'Its metadata, a JSON object' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l uri -d 'Where its content lives' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l model -d 'Refuse to embed with another model than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand upsert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand get" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -s n -l limit -d 'At the most this many' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l offset -d 'Leave out this many at the start' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l sort -d 'Sort by the value of this metadata key; records without one come last' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l include -d 'Parts to print' -r -f -a "documents\t''
metadatas\t''
uris\t''
embeddings\t''
distances\t''"
complete -c huedb -n "__fish_huedb_using_subcommand get" -l columns -d 'Columns to print, in this order: parts of a record or metadata keys' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand get" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand get" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand get" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand get" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand get" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand get" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand get" -l desc -d 'The largest value first'
complete -c huedb -n "__fish_huedb_using_subcommand get" -l full -d 'Cut nothing in a table: wrap long text'
complete -c huedb -n "__fish_huedb_using_subcommand get" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand get" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand get" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s n -l limit -d 'At the most this many' -r
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l columns -d 'Columns to print, in this order: parts of a record or metadata keys' -r
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l full -d 'Cut nothing in a table: wrap long text'
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand peek" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand peek" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand count" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand count" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand count" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand count" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand count" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand count" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand count" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand count" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand count" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand count" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand count" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s n -l limit -d 'At the most this many of those a filter keeps, in the order they were inserted' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand delete" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s n -l limit -d 'At the most this many' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l by-count -d 'The most frequent value first'
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand distinct" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand keys" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand keys" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand keys" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand keys" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand keys" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l sample -d 'Records to measure; their embeddings take at the most 64 MiB' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l seed -d 'Decides which records are measured' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand stats" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand stats" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand stats" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand stats" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand plot" -s o -l output -d 'The SVG file to write, `-` for standard output [default: standard output, unless it is a terminal]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l color-by -d 'Colour records by the value of this metadata key' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l label -d 'What is shown of a record beside its id: `document` or a metadata key' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l sample -d 'Records to draw at the most' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l seed -d 'Decides which records are drawn' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l size -d 'Width and height in pixels' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand plot" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand plot" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand plot" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand plot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l max-distance -d 'Records at this distance or nearer are near-duplicates; 0.05 of cosine finds texts that say the same' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l documents -d 'Print the texts as well, which a table always does'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l check -d 'Exit with 1 when there are any, and with 0 when there are none'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand dedupe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand query" -l embedding -d 'The question as an embedding, a JSON array of numbers' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -s i -l input -d 'A file of questions, `-` for standard input: jsonl, json or csv with text or embedding, or one a line' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -s n -l n -d 'Hits for each question' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l offset -d 'Leave out this many of the nearest' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l max-distance -d 'Leave out hits farther than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l include -d 'Parts to print' -r -f -a "documents\t''
metadatas\t''
uris\t''
embeddings\t''
distances\t''"
complete -c huedb -n "__fish_huedb_using_subcommand query" -l columns -d 'Columns to print, in this order: parts of a record or metadata keys' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l model -d 'Refuse to embed with another model than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand query" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand query" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand query" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand query" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand query" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand query" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand query" -l full -d 'Cut nothing in a table: wrap long text'
complete -c huedb -n "__fish_huedb_using_subcommand query" -l exact -d 'Rank every record by its embedding as given, without an index'
complete -c huedb -n "__fish_huedb_using_subcommand query" -l hybrid -d 'Rank by meaning and by words, fused by reciprocal rank; needs an index of the words'
complete -c huedb -n "__fish_huedb_using_subcommand query" -l explain -d 'Say on standard error which way the search took, why, and how long'
complete -c huedb -n "__fish_huedb_using_subcommand query" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand query" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand query" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand query" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand search" -l json -d 'The request: JSON, `@FILE`, or `-` for standard input' -r
complete -c huedb -n "__fish_huedb_using_subcommand search" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand search" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand search" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand search" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand search" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand search" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand search" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand search" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand search" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand search" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand search" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand search" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand import" -l all -d 'Read everything that `export --all` wrote; `-` for standard input' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l id -d 'Column of the id; `auto` makes ids from the content [default: id]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l document -d 'Column of the text [default: document]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l embedding -d 'Column of the embedding [default: embedding]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l uri -d 'Column of the uri [default: uri]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l metadata -d 'Columns that become metadata [default: all others]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l types -d 'Types of metadata columns, as in year:int,zip:str [default: inferred]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l format -d 'Format of the sources [default: from their names or first bytes]' -r -f -a "csv\t''
tsv\t''
json\t''
jsonl\t''
text\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l mode -d 'What happens to ids: add leaves existing ones alone, update leaves new ones out, upsert does both' -r -f -a "add\t''
upsert\t''
update\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l on-error -d 'What happens at a bad row' -r -f -a "stop\t''
skip\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l batch-size -d 'Rows stored in one transaction [default: 256 to embed, else 8192]' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l chunk -d 'Cut documents into chunks of at most this many tokens' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l overlap -d 'Tokens that a chunk repeats of the one before, at the most half of a chunk' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l model -d 'Refuse to embed with another model than this' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand import" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand import" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand import" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand import" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand import" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand import" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand import" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s g -l glob -d 'Only files whose path passes, as in .gitignore; `!GLOB` leaves files out; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l prefix -d 'Put before the path of a file in the ids of its records' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l chunk -d 'Tokens of a chunk at the most; 0 for none [default: 256, or what the model reads]' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l overlap -d 'Tokens that a chunk repeats of the one before [default: an eighth of a chunk]' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l model -d 'Refuse to embed with another model than this; with --create the model of a new collection' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l no-ignore -d 'Do not heed .gitignore, .ignore and git\'s other lists'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l hidden -d 'Hidden files and folders as well'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s L -l follow -d 'Follow symbolic links'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l no-chunk -d 'A file is one record; the model does not read the end of a long one'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l create -d 'Make the collection, and the file, when there is none'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l allow-empty -d 'Remove the records of all files when none is left'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l dry-run -d 'Print what would be done, and do nothing'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand export" -l id -d 'Only the record of this id; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l where -d 'Only records whose metadata passes: Chroma\'s JSON or `year >= 2020 and lang in ("en","de")`; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l where-document -d 'Only records whose document holds this text, or passes Chroma\'s JSON; may be repeated' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l columns -d 'Columns to print, in this order: parts of a record or metadata keys' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand export" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand export" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand export" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand export" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand export" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand export" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand export" -l all -d 'Write all collections of all databases and tenants'
complete -c huedb -n "__fish_huedb_using_subcommand export" -l no-embeddings -d 'Leave the embeddings out'
complete -c huedb -n "__fish_huedb_using_subcommand export" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand export" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand export" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l model -d 'The new model: a name from `huedb model list` or a folder' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l query-prefix -d 'Text put before every question [default: the model\'s]' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l document-prefix -d 'Text put before every document [default: the model\'s]' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l discard -d 'Give up what an interrupted run has embedded so far'
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand reembed" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -f -a "build" -d 'Build the graph, or bring the one there is up to date'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -f -a "show" -d 'Show what is known of the graph, and whether it is whole'
complete -c huedb -n "__fish_huedb_using_subcommand index; and not __fish_seen_subcommand_from build show drop" -f -a "drop" -d 'Remove the graph'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l hybrid -d 'Index the words of its documents instead, for `query --hybrid`; records added later are indexed too'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from build" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l hybrid -d 'Remove the index of the words of its documents instead'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand index; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -f -a "create" -d 'Make a database, and the file when there is none'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -f -a "list" -d 'List the databases of the tenant'
complete -c huedb -n "__fish_huedb_using_subcommand database; and not __fish_seen_subcommand_from create list drop" -f -a "drop" -d 'Remove a database with its collections'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand database; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -f -a "create" -d 'Make a tenant, and the file when there is none'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -f -a "list" -d 'List the tenants of the file'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and not __fish_seen_subcommand_from create list drop" -f -a "drop" -d 'Remove a tenant with its databases and their collections'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand tenant; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand info" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand info" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand info" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand info" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand info" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand info" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand info" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand info" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand info" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand info" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand info" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand info" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand info" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand check" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand check" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand check" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand check" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand check" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand check" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand check" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand check" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand check" -l deep -d 'Read every record too, and compute again what is derived'
complete -c huedb -n "__fish_huedb_using_subcommand check" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand check" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand check" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l to -d 'Write what can be read into this file, and leave the database alone' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand repair" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand repair" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l force -d 'Replace a file that is there'
complete -c huedb -n "__fish_huedb_using_subcommand repair" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand repair" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand repair" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand compact" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand compact" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand compact" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand compact" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand compact" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand compact" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand backup" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand backup" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l force -d 'Replace a file that is there'
complete -c huedb -n "__fish_huedb_using_subcommand backup" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand backup" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand backup" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand restore" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand restore" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l force -d 'Replace the database that is there'
complete -c huedb -n "__fish_huedb_using_subcommand restore" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand restore" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand restore" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand encrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand decrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l new-key-file -d 'File that holds the new key' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l new-key-command -d 'Command that prints the new key' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l full -d 'Encrypt everything anew; the old bytes may survive on the medium'
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand rekey" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l model -d 'The model: a name from `huedb model list` or a folder' -r
complete -c huedb -n "__fish_huedb_using_subcommand embed" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand embed" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l question -d 'Embed as questions; some models treat them differently'
complete -c huedb -n "__fish_huedb_using_subcommand embed" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand embed" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand embed" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand embed" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -f -a "list" -d 'List the models there are'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -f -a "add" -d 'Install a sentence-embedding model from a folder'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -f -a "pull" -d 'Fetch a sentence-embedding model from Hugging Face and install it'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -f -a "verify" -d 'Compare the files of a model with their checksums'
complete -c huedb -n "__fish_huedb_using_subcommand model; and not __fish_seen_subcommand_from list add pull verify remove" -f -a "remove" -d 'Remove an installed model'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l name -d 'The name it is to have [default: the folder\'s]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l file -d 'The ONNX graph among its files, as in `onnx/model_quantized.onnx`' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l pooling -d 'How token vectors become one [default: as its files say, else mean]' -r -f -a "mean\t''
cls\t''
last\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l normalize -d 'Whether vectors are scaled to length 1 [default: as its files say]' -r -f -a "true\t''
false\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l max-tokens -d 'Tokens read from a text [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l query-prefix -d 'Put before a question, as in "query: " [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l document-prefix -d 'Put before a document, as in "passage: " [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l name -d 'The name it is to have here [default: MODEL without the organisation]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l revision -d 'Branch, tag or commit [default: main]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l file -d 'The ONNX graph among its files, as in `onnx/model_quantized.onnx`' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l pooling -d 'How token vectors become one [default: as its files say, else mean]' -r -f -a "mean\t''
cls\t''
last\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l normalize -d 'Whether vectors are scaled to length 1 [default: as its files say]' -r -f -a "true\t''
false\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l max-tokens -d 'Tokens read from a text [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l query-prefix -d 'Put before a question, as in "query: " [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l document-prefix -d 'Put before a document, as in "passage: " [default: as its files say]' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from pull" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand model; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l from -d 'A wheel, a shared library, or a folder with one of these, instead of pip' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand setup" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand setup" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand setup" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand setup" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand setup" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c huedb -n "__fish_huedb_using_subcommand completions" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand completions" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand completions" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand completions" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand completions" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand completions" -s h -l help -d 'Print help'
complete -c huedb -n "__fish_huedb_using_subcommand man" -s d -l db -d 'The database file' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand man" -l tenant -d 'The tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand man" -l database -d 'The database of that tenant' -r
complete -c huedb -n "__fish_huedb_using_subcommand man" -l key-file -d 'File that holds the key of an encrypted database [env: HUEDB_KEY_FILE]' -r -F
complete -c huedb -n "__fish_huedb_using_subcommand man" -l key-command -d 'Command that prints the key of an encrypted database [env: HUEDB_KEY_COMMAND]' -r -f -a "(__fish_complete_command)"
complete -c huedb -n "__fish_huedb_using_subcommand man" -s o -l output -d 'How to write results [default: table on a terminal, jsonl elsewhere]' -r -f -a "table\t''
vertical\t''
jsonl\t''
json\t''
csv\t''
tsv\t''
ids\t''"
complete -c huedb -n "__fish_huedb_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c huedb -n "__fish_huedb_using_subcommand man" -l error-format -d 'How errors, warnings and notices are written to standard error: sentences, or one JSON object a line' -r -f -a "text\t''
json\t''"
complete -c huedb -n "__fish_huedb_using_subcommand man" -l busy-timeout -d 'Seconds to wait for another process to release the file' -r
complete -c huedb -n "__fish_huedb_using_subcommand man" -s q -l quiet -d 'Say nothing but warnings and errors'
complete -c huedb -n "__fish_huedb_using_subcommand man" -s v -l verbose -d 'Say more: the file, the model and its engine, the plan of a query, each batch'
complete -c huedb -n "__fish_huedb_using_subcommand man" -l timing -d 'Say at the end on standard error how long each stage took'
complete -c huedb -n "__fish_huedb_using_subcommand man" -s h -l help -d 'Print help'
