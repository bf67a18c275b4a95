// Dark or light before the first paint, so that nothing flashes. "auto" follows the system.
document.documentElement.dataset.theme = localStorage.getItem("kbroker-theme") || "auto";
