function __sluice_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (sluice complete -- $before[2..-1] "$current" 2>/dev/null)
    if test "$lines" = :files
        __fish_complete_path "$current"
    else if set -q lines[1]
        printf '%s\n' $lines
    end
end
complete -c sluice -f -a '(__sluice_complete)'
