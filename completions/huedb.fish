# Completion of huedb for fish. It asks huedb what fits, so that names come from the file.
function __huedb_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    for line in (command huedb __complete fish $words[2..] "$current" 2> /dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\n' $line
        end
    end
end
complete --command huedb --no-files --keep-order --arguments '(__huedb_complete)'
