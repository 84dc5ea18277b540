using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace PinAgent.Report.Bundle;

/// <summary>Writes a support bundle: a compressed tar archive.</summary>
internal sealed class SupportBundle : IDisposable
{
    private const UnixFileMode Folder = (UnixFileMode)0b111_101_101;
    private const UnixFileMode File = (UnixFileMode)0b110_100_100;

    private readonly GZipStream _gzip;
    private readonly TarWriter _tar;
    private readonly DateTimeOffset _time;

    /// <summary>Begins a bundle.</summary>
    /// <param name="output">Takes the archive; stays open.</param>
    /// <param name="time">The time of its entries.</param>
    public SupportBundle(Stream output, DateTimeOffset time)
    {
        _time = time;
        _gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true);
        _tar = new TarWriter(_gzip, TarEntryFormat.Pax, leaveOpen: false);
    }

    /// <summary>Adds a text.</summary>
    public void Add(string path, string text) => Add(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Adds a file.</summary>
    public void Add(string path, byte[] content) =>
        Write(
            new PaxTarEntry(TarEntryType.RegularFile, path.TrimStart('/'))
            {
                DataStream = new MemoryStream(content),
                Mode = File,
            }
        );

    /// <summary>Adds an empty folder.</summary>
    public void AddFolder(string path) =>
        Write(new PaxTarEntry(TarEntryType.Directory, path.Trim('/') + '/') { Mode = Folder });

    /// <summary>Adds a symbolic link.</summary>
    public void AddLink(string path, string target) =>
        Write(
            new PaxTarEntry(TarEntryType.SymbolicLink, path.TrimStart('/')) { LinkName = target }
        );

    /// <summary>Ends the archive.</summary>
    public void Dispose() => _tar.Dispose();

    private void Write(PaxTarEntry entry)
    {
        entry.ModificationTime = _time;
        _tar.WriteEntry(entry);
    }
}
