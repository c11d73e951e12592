# Completion of huedb for bash. It asks huedb what fits, so that names come from the file.
_huedb() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            # Names of files where there is no other candidate.
            compopt -o default 2> /dev/null
        else
            COMPREPLY+=("$line")
        fi
    done < <(command huedb __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2> /dev/null)
}
complete -F _huedb huedb
