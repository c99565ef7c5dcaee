#compdef sluice
_sluice() {
    local line
    local -a candidates
    for line in "${(@f)$(sluice complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            _files
            return
        fi
        # _describe takes `word:description`.
        [[ -n $line ]] && candidates+=("${line/$'\t'/:}")
    done
    _describe sluice candidates
}
# From a folder of $fpath, zsh runs this file as the function itself.
if [[ $funcstack[1] == _sluice ]]; then
    _sluice
else
    compdef _sluice sluice
fi
