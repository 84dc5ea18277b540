using System.CommandLine;
using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Report;

namespace PinAgent.Cli.Settings;

/// <summary>
/// The mode that holds: the one setting that may change while the agent runs, by an edit of its settings file. What else
/// was changed there waits for the agent's next start, and a file that can't be understood changes nothing; both are said.
/// </summary>
internal sealed class LiveMode
{
    private readonly Setting<AgentMode> _setting;
    private readonly SettingsFile _atStart;
    private readonly WatchedFile _file;
    private readonly bool _isFixed;

    /// <summary>Reads the mode that holds at the start.</summary>
    /// <exception cref="UsageException">It can't be understood.</exception>
    public LiveMode(ParseResult parsed, Setting<AgentMode> setting)
    {
        _setting = setting;
        _isFixed = setting.IsAboveFile(parsed);
        _atStart = SettingsFile.Of(parsed);
        _file = new WatchedFile(_atStart.Path, SettingsFile.LargestFile, followsLinks: true);
        Current = new EffectiveMode(setting.Get(parsed), null);
    }

    /// <summary>The mode as of the last look.</summary>
    public EffectiveMode Current { get; private set; }

    /// <summary>Looks at the file again.</summary>
    public EffectiveMode Look()
    {
        // A file that went away, as in the moment of its replacement, leaves everything as it was.
        if (_file.HasChanged() && _file.Text is { } text)
        {
            Current = Read(text);
        }

        return Current;
    }

    private EffectiveMode Read(string text)
    {
        try
        {
            var file = SettingsFile.Parse(_atStart.Path, text);
            var later = file
                .Values.Where(entry => !IsAsAtStart(entry.Key, entry.Value))
                .Select(entry => entry.Key)
                .Concat(_atStart.Values.Keys.Where(key => !file.Values.ContainsKey(key)))
                .Where(key => key != _setting.Key)
                .Order(StringComparer.Ordinal)
                .ToList();
            return new EffectiveMode(_isFixed ? Current.Mode : _setting.In(file), null)
            {
                Notice =
                    later.Count == 0
                        ? null
                        : $"{file.Path}: changed, but used only from the agent's next start on: {string.Join(", ", later)}",
            };
        }
        catch (FormatException problem)
        {
            return Current with { Notice = $"{problem.Message}; the mode stays as it was" };
        }
    }

    private bool IsAsAtStart(string key, IEnumerable<string> values) =>
        _atStart.Values.TryGetValue(key, out var before) && before.SequenceEqual(values);
}
