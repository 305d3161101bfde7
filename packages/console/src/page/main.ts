document.title = 'Macronode console';
