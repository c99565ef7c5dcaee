# For bash 3.2 too, which macOS has: no mapfile, no compopt.
_sluice() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == :files ]] && return
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(sluice complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # An empty COMPREPLY would complete files, as `-o default` says.
    compopt +o default 2>/dev/null
}
complete -o default -F _sluice sluice
