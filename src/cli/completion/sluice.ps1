Register-ArgumentCompleter -Native -CommandName sluice -ScriptBlock {
    param($current, $ast, $cursor)
    $words = @($ast.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { "$_" })
    # A space, as PowerShell before 7.3 does not pass an empty argument on.
    if ($current -eq '') { $words += ' ' }
    $arguments = @('complete', '--') + $words
    $lines = @(& sluice @arguments 2>$null)
    if ($lines -contains ':files') { return }
    # Without any result PowerShell would complete files.
    if ($lines.Count -eq 0) { return '' }
    foreach ($line in $lines) {
        $word, $description = $line -split "`t", 2
        if (-not $description) { $description = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $description)
    }
}
