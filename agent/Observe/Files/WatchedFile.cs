using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Files;

/// <summary>
/// A file of the agent's own that is looked at before every pass. It's read, into the same buffer, because nothing cheaper
/// tells of every change: a mounted ConfigMap is a link to a link of which the second changes.
/// </summary>
/// <param name="path">The file, not below the host root.</param>
/// <param name="most">How many bytes it may have.</param>
/// <param name="followsLinks">Whether it may be a link.</param>
internal sealed class WatchedFile(string path, int most, bool followsLinks)
{
    private readonly byte[] _path = Encoding.UTF8.GetBytes(path + '\0');
    private byte[] _buffer = [];
    private byte[]? _seen;
    private Errno _problem;
    private bool _hasLooked;

    /// <summary>Why there's no text: none, or what is wrong with the file that is there.</summary>
    public LinuxResult Result => new(_problem);

    /// <summary>The text as of the last look; null if there was no file that could be read.</summary>
    public string? Text => _seen is null ? null : Encoding.UTF8.GetString(_seen);

    /// <summary>Looks, and says whether anything is otherwise than at the last look.</summary>
    public bool HasChanged()
    {
        var result = OwnFile.Read(_path, most, followsLinks, ref _buffer, out var length);
        var isThere = result.IsSuccess;
        var content = _buffer.AsSpan(0, length);
        if (
            _hasLooked
            && result.Errno == _problem
            && (isThere ? _seen is not null && content.SequenceEqual(_seen) : _seen is null)
        )
        {
            return false;
        }

        _hasLooked = true;
        _problem = result.Errno;
        _seen = isThere ? content.ToArray() : null;
        return true;
    }
}
